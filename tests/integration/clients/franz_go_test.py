"""franz-go: the text out and back with every codec, idempotent, read from assigned partitions."""

import functools

from go_roundtrip import roundtrip
from lib import clienttest

clienttest.main(functools.partial(roundtrip, "franz_go"))
