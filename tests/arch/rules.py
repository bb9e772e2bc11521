"""The rules of the house, as data. Every module may use base; what else each may use stands here.

An edge means: files of the module may include public headers of the other. There are no edges
between replication, controller and coordinator: what one needs of another it declares as a small
interface, and broker plugs them together.
"""

ALLOWED = {
    "base": set(),
    "config": set(),
    "record": set(),
    "protocol": set(),
    "zk": set(),
    "storage": {"record"},
    "net": {"protocol"},
    "metadata": {"protocol"},
    "security": {"protocol", "metadata"},
    "replication": {"record", "protocol", "storage", "net", "metadata"},
    "controller": {"protocol", "zk", "net", "metadata"},
    "coordinator": {"record", "protocol", "metadata"},
    "http": {"metadata"},
    "broker": {
        "config", "record", "protocol", "zk", "storage", "net", "metadata", "security",
        "replication", "controller", "coordinator", "http",
    },
    "apps": {"broker", "config", "net", "protocol", "record", "storage", "zk"},
}

# Time, files, sockets, threads and chance are passed in here (Clock, Vfs, Executor, Random).
CORE = {"record", "protocol", "storage", "replication", "controller", "coordinator", "metadata"}

# Programs of the build itself that lie in a core module's folder.
BUILD_TOOLS = ("src/protocol/generator/",)

FORBIDDEN_IN_CORE = [
    (r"\b(system|steady|high_resolution)_clock\s*::\s*now\b", "asks for the time itself; use base/clock.h"),
    (r"\b(gettimeofday|clock_gettime)\s*\(|\bstd::time\s*\(", "asks for the time itself; use base/clock.h"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>])::sleep\s*\(", "sleeps; post to an Executor instead"),
    (r"\bstd::(thread|jthread|async)\b|\bpthread_create\b", "starts a thread; use the Executor it is given"),
    (r"(?<![\w>)])::(open|openat|creat|socket|connect|accept|fopen|mmap)\s*\(", "opens something itself; use base/vfs.h or a link"),
    (r"\bstd::(ifstream|ofstream|fstream|filesystem)\b|(?<![\w:.>])fopen\s*\(", "touches files itself; use base/vfs.h"),
    (r"\bthread_local\b", "keeps state per thread, which the simulator cannot repeat"),
    (r"\bstd::(random_device|mt19937)\b|(?<![\w:.>])s?rand\s*\(", "draws by itself; use base/random.h"),
]

MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 70
