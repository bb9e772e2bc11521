"""Our tools for groups, transactions and files beside Kafka 3.9.1's own, on one broker: Kafka's or ours."""

import argparse
import pathlib
import sys

from lib import brokers
from admin_tools import compare_admin_tools
from dump_tools import CODECS, compare_broker_files, compare_made_files
from formatter_tools import TRANSACTIONS, compare_formatters
from group_tools import compare_group_tools
from oracle_test import sentence
from tools import Java, create, expect, native
from transaction_tools import compare_transaction_tools


def produce_every_codec(bootstrap: str) -> None:
    given = b"".join(b"key-%d\tsome value %d\n" % (index, index % 7) for index in range(300))
    for codec in CODECS:
        create(bootstrap, f"codec-{codec}")
        done = native("console-producer", "--bootstrap-server", bootstrap, "--topic", f"codec-{codec}",
                      "--compression-codec", codec, "--property", "parse.key=true", given=given)
        expect(f"exit code of producing with {codec}", 0, done.code)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("broker", choices=["kafka", "barnabas"])
    kind = parser.parse_args().broker
    # A transaction can only be made to hang where the coordinator is not asked.
    settings = {"transaction.partition.verification.enable": "false"}
    with brokers.scratch() as folder, Java(pathlib.Path(folder)) as java:
        place = pathlib.Path(folder)
        with brokers.start(kind, place, settings) as broker:
            produce_every_codec(broker.bootstrap)
            compare_group_tools(java, broker.bootstrap, place, sentence)
            if kind == "barnabas":  # oracle_test.py does it on Kafka's
                create(broker.bootstrap, "plain", words=["--partitions", "3"])
                create(broker.bootstrap, "mixed")
                native("console-producer", "--bootstrap-server", broker.bootstrap, "--topic", "mixed", given=b"a\nb\n")
                compare_admin_tools(java, broker.bootstrap, place, sentence)
            compare_transaction_tools(java, broker.bootstrap, place, lambda: compare_formatters(
                java, broker.bootstrap, "__transaction_state", ["commits", "aborts", "stays-open"], TRANSACTIONS))
            count = compare_broker_files(java, broker.log_dirs[0], place / "copy", sentence)
            print(f"kafka-dump-log: {count} command lines on the broker's files answered alike", flush=True)
        if kind == "kafka":
            count = compare_made_files(java, place, sentence)
            print(f"kafka-dump-log: {count} command lines on files made here answered alike", flush=True)


if __name__ == "__main__":
    sys.exit(main())
