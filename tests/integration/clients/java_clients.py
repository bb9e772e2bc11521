"""What the tests of the four Java clients share."""

import functools
from typing import List, Sequence

from lib import built, clienttest, paths, text

BEFORE_1_0 = [".", "before-1.0"]
UNTIL_3_9 = [".", "since-2.0", "describe-until-3.9"]
SINCE_4_0 = [".", "since-2.0", "describe-since-4.0"]


def _test(release, sources, codecs, admin, broker, folder):
    classpath = built.java_client(paths.CLIENTS / "java", release, sources)
    command = [paths.java(), "-Xmx1g" if clienttest.records() <= 100_000 else "-Xmx4g",
               "-XX:+UseSerialGC", "-Xshare:auto", "-cp", classpath, "RoundTrip"]
    clienttest.roundtrip(broker, folder, f"Java {release}", command, codecs, admin)


def main(release: str, sources: List[str], codecs: Sequence[str] = text.CODECS,
         admin: Sequence[str] = clienttest.ADMIN) -> None:
    clienttest.main(functools.partial(_test, release, sources, codecs, admin))
