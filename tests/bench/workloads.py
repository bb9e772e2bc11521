"""What is measured: the rows of the table, each one run of bench_load."""

from dataclasses import dataclass, field
from typing import List, Optional, Tuple


@dataclass(frozen=True)
class Workload:
    name: str
    title: str  # the row in the table
    args: Tuple[str, ...]
    metric: str  # of bench_load's report
    unit: str
    vs_kafka: Optional[float] = None  # budget: ours / Kafka at most
    vs_floor: Optional[float] = None  # budget: ours / floor at most
    also: Tuple[str, ...] = field(default=())  # metrics that are shown beside it
    floor: bool = True  # whether the floor can do it


def _load(text: str) -> Tuple[str, ...]:
    return tuple(text.split())


ALL: List[Workload] = [
    Workload("single-1", "produce 100 B, one record a request, pipelined, 1 connection",
             _load("produce --window 1000"), "us_per_request", "µs/request", 1 / 60, 3,
             ("requests_per_s",)),
    Workload("single-16", "the same, 16 connections, 16 partitions",
             _load("produce --window 200 --connections 16 --partitions 16"),
             "us_per_request", "µs/request", 1 / 40, 3, ("requests_per_s",)),
    Workload("single-1k", "produce 1 KB, one record a request, 4 connections, 16 partitions",
             _load("produce --window 200 --connections 4 --partitions 16 --record-bytes 1024"),
             "us_per_request", "µs/request", 1 / 20, 2.5, ("requests_per_s",)),
    Workload("spread", "produce 100 B × 64 partitions in a request, 256 partitions",
             _load("produce --window 20 --partitions 256 --partitions-per-request 64"),
             "us_per_request", "µs/request", 1 / 8, 2, ("requests_per_s",)),
    Workload("batch-16k", "produce 16 KB batches of 100 B, 1 connection",
             _load("produce --window 16 --batch-bytes 16384"), "s_per_gb", "s/GB", 1 / 5, 1.4,
             ("mb_per_s",)),
    Workload("batch-16k-4", "produce 16 KB batches, 4 connections, 16 partitions",
             _load("produce --window 16 --batch-bytes 16384 --connections 4 --partitions 16"),
             "s_per_gb", "s/GB", 1 / 4, 1.4, ("mb_per_s",)),
    Workload("batch-1m", "produce 1 MB batches",
             _load("produce --window 3 --batch-bytes 1000000"), "s_per_gb", "s/GB", 1 / 2, 1.2,
             ("mb_per_s",)),
    Workload("fetch-1", "fetch from the page cache, 1 connection",
             _load("fetch"), "s_per_gb", "s/GB", 1 / 1.4, 1.1, ("mb_per_s",)),
    Workload("fetch-4", "fetch, 4 connections, 16 partitions",
             _load("fetch --connections 4 --partitions 16 --fill-bytes 268435456"),
             "s_per_gb", "s/GB", 0.9, 1.1, ("mb_per_s",)),
    Workload("ping-1", "request and answer (ApiVersions), 1 connection",
             _load("ping --window 1"), "us_per_request", "µs/request", 1 / 6, 1.3,
             ("requests_per_s",)),
    Workload("ping-50", "request and answer (ApiVersions), 50 connections",
             _load("ping --window 1 --connections 50"), "us_per_request", "µs/request", 1 / 5, 1.3,
             ("requests_per_s",)),
    Workload("rate-1k", "1k single records/s, open loop: p50 to the ack",
             _load("rate --rate 1000 --consume 1"), "ack_p50_ms", "ms", 1 / 3, 1.3,
             ("ack_p999_ms", "end_to_end_p50_ms", "end_to_end_p999_ms")),
    Workload("rate-10k", "10k single records/s, open loop, 16 partitions: p50 to the ack",
             _load("rate --rate 10000 --connections 16 --partitions 16"), "ack_p50_ms", "ms",
             None, None, ("ack_p999_ms", "in_flight_at_end")),
    Workload("rate-50k", "50k single records/s, open loop, 16 partitions: p50 to the ack",
             _load("rate --rate 50000 --connections 16 --partitions 16"), "ack_p50_ms", "ms",
             None, None, ("ack_p999_ms", "in_flight_at_end")),
    Workload("waiters", "1,000 waiting long polls: all 10 of a partition have a record after",
             _load("waiters --partitions 100"), "wake_all_p50_ms", "ms", None, None,
             ("wake_all_max_ms", "waiting_cpu_s")),
    Workload("idle", "1,000 idle connections: CPU to open one",
             _load("idle"), "open_us_each", "µs", None, None, ("bytes_each", "idle_cpu_s")),
]

# Around the loads, measured by the script itself.
AROUND = [
    ("start_ms", "start on an empty folder, to the first Metadata answer", "ms", 50),
    ("start_cpu_s", "CPU of that start", "s", 0.05),
    ("idle_rss_mb", "memory idle", "MB", 15),
    ("loaded_rss_mb", "memory after all loads", "MB", 64),
]
