"""Our tools against our broker (`--broker kafka`: against Kafka's): what a newcomer types first, and the
usual mistakes, each of which ends in one line."""

import argparse
import os
import pathlib
import pty
import select
import signal
import subprocess
import sys
import time
from typing import Callable, List, Optional, Tuple

from lib import brokers, paths
from lib.brokers import Broker
from lib.client import Client
from lib.process import free_port, wait_until
from tools import Answer, create, expect, native

CASES: List[Tuple[str, Callable[[Broker, pathlib.Path], None]]] = []
SCRIPTS = paths.ROOT / "scripts"


def case(function: Callable[[Broker, pathlib.Path], None]) -> Callable[[Broker, pathlib.Path], None]:
    CASES.append((function.__name__, function))
    return function


def end_offset(broker: Broker, topic: str) -> int:
    with Client(broker.address) as client:
        return client.offset_of(topic, 0, -1)


def read_all(broker: Broker, topic: str, count: int, *words: str) -> bytes:
    done = native("console-consumer", "--bootstrap-server", broker.bootstrap, "--topic", topic,
                  "--from-beginning", "--max-messages", str(count), "--timeout-ms", "20000", *words)
    expect(f"reading {topic}: exit code and count ({done.err!r})",
           (0, f"Processed a total of {count} messages\n".encode()), (done.code, done.err))
    return done.out


@case
def the_first_five_minutes(broker: Broker, _: pathlib.Path) -> None:
    """Create, list, produce, consume twice, delete, by the scripts and flags of the tutorials."""
    env = {**os.environ, "BARNABAS_PROGRAM": str(paths.barnabas())}

    def script(name: str, *words: str, given: bytes = b"") -> Answer:
        done = subprocess.run([str(SCRIPTS / name), *words], input=given, env=env, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        return Answer(done.returncode, done.stdout, done.stderr)

    server = ["--bootstrap-server", broker.bootstrap]
    expect("create", Answer(0, b"Created topic quickstart-events.\n", b""),
           script("kafka-topics.sh", "--create", "--topic", "quickstart-events", *server))
    expect("list", b"quickstart-events\n", script("kafka-topics.sh", "-list", *server).out)
    lines = "This is my first event\nThis is my second event\n第三个\n".encode()
    expect("produce", Answer(0, b"", b""),
           script("kafka-console-producer.sh", "--topic", "quickstart-events", "--broker-list",
                  broker.bootstrap, given=lines))
    for _ in range(2):
        read = script("kafka-console-consumer.sh", "--topic", "quickstart-events", "--from-beginning",
                      "--max-messages", "3", *server)
        expect("consume", Answer(0, lines, b"Processed a total of 3 messages\n"), read)
    expect("delete", Answer(0, b"", b""),
           script("kafka-topics.sh", "--delete", "--topic", "quickstart-events", *server))
    wait_until(lambda: b"quickstart" not in script("kafka-topics.sh", "--list", *server).out,
               "the topic is gone")


@case
def a_link_with_kafkas_name_is_enough(broker: Broker, folder: pathlib.Path) -> None:
    link = folder / "kafka-topics.sh"
    link.symlink_to(paths.barnabas())
    done = subprocess.run([str(link), "--list", "--bootstrap-server", broker.bootstrap], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    expect("exit code", 0, done.returncode)


@case
def descriptions_have_kafkas_form(broker: Broker, _: pathlib.Path) -> None:
    create(broker.bootstrap, "described",
           words=["--partitions", "2", "--config", "retention.ms=7200000"])
    done = native("topics", "--bootstrap-server", broker.bootstrap, "--describe", "--topic", "described")
    expect("exit code", 0, done.code)
    head, *rows = done.out.decode().split("\n")[:-1]
    fields = dict(part.split(": ", 1) for part in head.split("\t"))
    expect("fields", ["Topic", "TopicId", "PartitionCount", "ReplicationFactor", "Configs"], list(fields))
    expect("head", ("2", "1", 22), (fields["PartitionCount"], fields["ReplicationFactor"],
                                    len(fields["TopicId"])))
    expect("its own setting is told", True, "retention.ms=7200000" in fields["Configs"])
    expect("rows", [f"\tTopic: described\tPartition: {i}\tLeader: 0\tReplicas: 0\tIsr: 0\tElr: N/A\t"
                    "LastKnownElr: N/A" for i in range(2)], rows)


@case
def errors_of_topics_are_kafkas(broker: Broker, _: pathlib.Path) -> None:
    create(broker.bootstrap, "there")
    server = ["--bootstrap-server", broker.bootstrap]
    for words, sentence in (
            ("--create --topic there", "Topic 'there' already exists."),
            ("--create --topic x --replication-factor 3",
             "Replication factor: 3 larger than available brokers: 1."),
            ("--create --topic x --config foo=1", "Unknown topic config name: foo"),
            ("--create --topic x --config retention.ms=abc",
             "Invalid value abc for configuration retention.ms: Not a number of type LONG"),
            ("--create --topic a*b", "Topic name is invalid: 'a*b' contains one or more characters "
             "other than ASCII alphanumerics, '.', '_' and '-'"),
            ("--create --topic x --partitions 0", "The partitions must be greater than 0"),
            ("--describe --topic nosuch", "Topic 'Optional[nosuch]' does not exist as expected"),
            ("--delete --topic nosuch", "Topic 'Optional[nosuch]' does not exist as expected")):
        done = native("topics", *server, *words.split())
        expect(words, (1, f"Error while executing topic command : {sentence}\n"),
               (done.code, done.out.decode()))
    expect("--if-not-exists", Answer(0, b"", b""),
           native("topics", *server, "--create", "--topic", "there", "--if-not-exists"))
    expect("--if-exists", Answer(0, b"", b""),
           native("topics", *server, "--delete", "--topic", "nosuch", "--if-exists"))
    near = native("topics", *server, "--describe", "--topic", "thare")
    expect("a hint", b"topic thare does not exist. Similar: there\n", near.err)


@case
def a_million_short_lines(broker: Broker, _: pathlib.Path) -> None:
    create(broker.bootstrap, "million")
    given = b"".join(b"%d short line\n" % i for i in range(1_000_000))
    began = time.monotonic()
    done = native("console-producer", "--bootstrap-server", broker.bootstrap, "--topic", "million",
                  given=given)
    produced = time.monotonic()
    expect("produce", Answer(0, b"", b""), done)
    read = read_all(broker, "million", 1_000_000)
    print(f"  a million lines: out in {produced - began:.1f} s, back in "
          f"{time.monotonic() - produced:.1f} s", flush=True)
    expect("the same lines", True, read == given)


@case
def the_producer_creates_what_is_missing(broker: Broker, _: pathlib.Path) -> None:
    done = native("console-producer", "--bootstrap-server", broker.bootstrap, "--topic", "made-by-itself",
                  given=b"x\n")
    expect("produce", Answer(0, b"", b""), done)
    expect("consume", b"x\n", read_all(broker, "made-by-itself", 1))


@case
def the_consumer_waits_for_what_comes(broker: Broker, _: pathlib.Path) -> None:
    """Without --from-beginning only what comes after the start, as it comes."""
    create(broker.bootstrap, "live", words=["--partitions", "3"])
    server = ["--bootstrap-server", broker.bootstrap, "--topic", "live"]
    native("console-producer", *server, given=b"old\n" * 9)
    with subprocess.Popen([str(paths.barnabas()), "console-consumer", *server],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as consumer:
        first = None
        deadline = time.monotonic() + 30
        while first is None and time.monotonic() < deadline:
            # It says nothing when it is ready, so records are sent until one has come.
            native("console-producer", *server, given=b"new\n")
            if select.select([consumer.stdout], [], [], 0.2)[0]:
                first = os.read(consumer.stdout.fileno(), 4096)
        expect("what came", {b"new"}, set((first or b"nothing").split(b"\n")[:-1]))
        consumer.send_signal(signal.SIGINT)
        _, err = consumer.communicate(timeout=20)
    expect("exit code of Ctrl-C", 130, consumer.returncode)
    expect("count is told", True, err.startswith(b"Processed a total of "))


@case
def ctrl_c_loses_nothing(broker: Broker, _: pathlib.Path) -> None:
    """A prompt on a terminal, and what was typed is stored although linger.ms is not over."""
    create(broker.bootstrap, "typed")
    main_fd, tool_fd = pty.openpty()
    with subprocess.Popen([str(paths.barnabas()), "console-producer", "--bootstrap-server",
                           broker.bootstrap, "--topic", "typed", "--timeout", "100000"],
                          stdin=tool_fd, stdout=tool_fd, stderr=subprocess.PIPE) as producer:
        os.close(tool_fd)
        seen = b""

        def prompted(count: int) -> bool:
            nonlocal seen
            if select.select([main_fd], [], [], 0.1)[0]:
                seen += os.read(main_fd, 4096)
            return seen.count(b">") >= count

        wait_until(lambda: prompted(1), "a prompt")
        os.write(main_fd, b"hello\n")
        wait_until(lambda: prompted(2), "the next prompt")
        producer.send_signal(signal.SIGINT)
        expect("exit code", 130, producer.wait(30))
        expect("standard error", b"", producer.stderr.read())
    os.close(main_fd)
    expect("what was typed", b"hello\n", read_all(broker, "typed", 1))


@case
def the_end_of_input_on_a_terminal(broker: Broker, _: pathlib.Path) -> None:
    create(broker.bootstrap, "ended")
    main_fd, tool_fd = pty.openpty()
    with subprocess.Popen([str(paths.barnabas()), "console-producer", "--bootstrap-server",
                           broker.bootstrap, "--topic", "ended"], stdin=tool_fd,
                          stdout=tool_fd) as producer:
        os.close(tool_fd)
        os.write(main_fd, b"bye\n\x04")
        expect("exit code", 0, producer.wait(30))
    os.close(main_fd)
    expect("what was typed", b"bye\n", read_all(broker, "ended", 1))


@case
def no_prompt_in_a_pipe(broker: Broker, _: pathlib.Path) -> None:
    done = native("console-producer", "--bootstrap-server", broker.bootstrap, "--topic", "piped",
                  given=b"a\nb\n")
    expect("output", Answer(0, b"", b""), done)


@case
def a_broken_pipe_is_one_line(broker: Broker, _: pathlib.Path) -> None:
    create(broker.bootstrap, "long")
    server = ["--bootstrap-server", broker.bootstrap, "--topic", "long"]
    native("console-producer", *server, given=b"0123456789\n" * 100_000)
    with subprocess.Popen([str(paths.barnabas()), "console-consumer", *server, "--from-beginning"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as consumer:
        expect("first line", b"0123456789\n", consumer.stdout.readline())
        consumer.stdout.close()
        err = consumer.stderr.read().split(b"\n")
        expect("exit code", 0, consumer.wait(30))
    expect("what it says", b"Unable to write to standard out, closing consumer.", err[0])
    expect("the count follows", (True, [b""]), (err[1].startswith(b"Processed a total of"), err[2:]))


@case
def a_broker_that_is_not_there(_: Broker, __: pathlib.Path) -> None:
    """One line, within two seconds or so, and 1."""
    port = free_port()
    wanted = f"no broker at 127.0.0.1:{port} (connection refused). Is it started?\n".encode()
    for tool, words in (("topics", ["--list"]), ("console-producer", ["--topic", "x"]),
                        ("console-consumer", ["--topic", "x"]), ("consumer-groups", ["--list"]),
                        ("transactions", ["list"]), ("cluster", ["cluster-id"]), ("broker-api-versions", []),
                        ("leader-election", ["--election-type", "preferred", "--all-topic-partitions"])):
        began = time.monotonic()
        done = native(tool, *words, "--bootstrap-server", f"127.0.0.1:{port}", given=b"x\n")
        expect(tool, Answer(1, b"", wanted), done)
        expect(f"{tool} gave up soon", True, time.monotonic() - began < 10)


@case
def topics_and_partitions_that_are_not_there(broker: Broker, _: pathlib.Path) -> None:
    create(broker.bootstrap, "single")
    done = native("console-consumer", "--bootstrap-server", broker.bootstrap, "--topic", "single",
                  "--partition", "7")
    expect("a partition", Answer(1, b"", b"Topic 'single' has no partition 7: it has 1\n"), done)
    for tool in ("console-consumer", "console-producer"):
        done = native(tool, "--bootstrap-server", broker.bootstrap, "--topic", "bad name", given=b"x\n")
        expect(f"{tool}: a bad name", Answer(1, b"", b"Topic 'bad name': Broker: Invalid topic\n"), done)


@case
def more_servers_as_bare_words(broker: Broker, _: pathlib.Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    create(broker.bootstrap, "words")
    done = native("console-producer", "--broker-list", nobody, broker.bootstrap, "--topic", "words",
                  given=b"x\n")
    expect("produce", (0, b""), (done.code, done.out))
    listed = native("topics", "--bootstrap-server", nobody, broker.bootstrap, "--list")
    expect("list", True, b"words\n" in listed.out)
    env = {**os.environ, "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap}
    expect("the environment's servers", True, b"words\n" in native("topics", "--list", env=env).out)


@case
def groups(broker: Broker, _: pathlib.Path) -> None:
    """A group goes on where it stopped."""
    create(broker.bootstrap, "grouped")
    server = ["--bootstrap-server", broker.bootstrap, "--topic", "grouped"]
    native("console-producer", *server, given=b"1\n2\n3\n")
    words = [*server, "--consumer-property", "group.id=g", "--from-beginning", "--timeout-ms", "20000"]
    done = native("console-consumer", *words, "--max-messages", "2")
    expect("the first two", (0, b"1\n2\n"), (done.code, done.out))
    done = native("console-consumer", *words, "--max-messages", "1")
    expect("the third", (0, b"3\n"), (done.code, done.out))


@case
def a_tool_is_small_and_quick(broker: Broker, _: pathlib.Path) -> None:
    """Not a benchmark: the figures are printed, and the bound is far above what is measured."""
    command = [str(paths.barnabas()), "topics", "--bootstrap-server", broker.bootstrap, "--list"]
    seconds = []
    for _ in range(5):
        began = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        seconds.append(time.monotonic() - began)
    create(broker.bootstrap, "small")
    with subprocess.Popen([str(paths.barnabas()), "console-producer", "--bootstrap-server",
                           broker.bootstrap, "--topic", "small", "--timeout", "0"],
                          stdin=subprocess.PIPE) as producer:
        producer.stdin.write(b"x\n")
        producer.stdin.flush()
        wait_until(lambda: end_offset(broker, "small") == 1, "the record is there")
        status = pathlib.Path(f"/proc/{producer.pid}/status").read_text()
        producer.stdin.close()
        expect("exit code", 0, producer.wait(30))
    peak = int(status.split("VmHWM:")[1].split()[0])
    print(f"  kafka-topics --list: {min(seconds) * 1000:.1f} ms; console producer: "
          f"{peak / 1024:.1f} MiB", flush=True)
    expect("small", True, peak < 64 * 1024)


def a_broker_that_comes_back(broker: Broker) -> None:
    """kill -9 under a consumer: one line, and it goes on with the next broker there."""
    create(broker.bootstrap, "back")
    server = ["--bootstrap-server", broker.bootstrap, "--topic", "back"]
    native("console-producer", *server, given=b"1\n")
    with subprocess.Popen([str(paths.barnabas()), "console-consumer", *server, "--from-beginning",
                           "--timeout-ms", "60000"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as consumer:
        expect("before", b"1\n", consumer.stdout.readline())
        broker.kill()
        expect("what it says", f"no broker of {broker.bootstrap} can be reached any more; waiting for one\n",
               consumer.stderr.readline().decode())
        broker.start()
        native("console-producer", *server, given=b"2\n")
        expect("after", b"2\n", consumer.stdout.readline())
        consumer.terminate()
        expect("count", b"Processed a total of 2 messages\n", consumer.stderr.read())
        expect("exit code of SIGTERM", 143, consumer.wait(30))
    print("ok   a_broker_that_comes_back", flush=True)


def run_cases(broker: Broker, folder: pathlib.Path, only: Optional[str]) -> int:
    failed = 0
    for name, function in CASES:
        if only and only != name:
            continue
        try:
            function(broker, folder)
            print(f"ok   {name}", flush=True)
        except Exception as error:  # each case is told, and the next one runs
            failed += 1
            print(f"FAIL {name}: {error}", flush=True)
    return failed


def without_auto_creation(kind: str, folder: pathlib.Path) -> None:
    with brokers.start(kind, folder / "strict", {"auto.create.topics.enable": "false"}) as broker:
        sentence = b"Topic 'nosuch' does not exist, and the broker does not create it by itself\n"
        for tool in ("console-producer", "console-consumer"):
            done = native(tool, "--bootstrap-server", broker.bootstrap, "--topic", "nosuch", given=b"x\n")
            expect(f"{tool}: a topic that is not there", Answer(1, b"", sentence), done)
    print("ok   without_auto_creation", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--broker", choices=["barnabas", "kafka"], default="barnabas")
    parser.add_argument("--only", help="the name of one case")
    chosen = parser.parse_args()
    with brokers.scratch() as folder:
        (folder / "strict").mkdir()
        with brokers.start(chosen.broker, folder) as broker:
            failed = run_cases(broker, folder, chosen.only)
            if not failed and not chosen.only and chosen.broker == "barnabas":
                a_broker_that_comes_back(broker)  # Kafka would wait for its ZooKeeper session to end
            if failed:
                print(f"--- end of {broker.process.log}\n{broker.process.log_tail()}", file=sys.stderr)
        if not chosen.only:
            without_auto_creation(chosen.broker, folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
