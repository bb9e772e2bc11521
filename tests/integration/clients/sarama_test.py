"""sarama: the text out and back with every codec, acks=1, read by direct partition consumers."""

import functools

from go_roundtrip import roundtrip
from lib import clienttest

clienttest.main(functools.partial(roundtrip, "sarama"))
