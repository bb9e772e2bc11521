"""Every header compiles alone: each is handed to the compiler by itself, in parallel.

    check_headers.py <compiler> <build folder> [flag...]
"""

import concurrent.futures
import os
import shutil
import subprocess
import sys
from pathlib import Path


def headers(root):
    for path in sorted((root / "include").rglob("*.h")):
        yield path, []
    for path in sorted((root / "src").rglob("*.h")):
        module = path.relative_to(root / "src").parts[0]
        yield path, [f"-I{root / 'src' / module}"]
    for path in sorted((root / "tests" / "support").rglob("*.h")):
        yield path, [f"-I{root / 'tests'}", f"-I{root / 'src'}"]


def main():
    compiler, build, flags = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    root = Path(__file__).resolve().parents[2]
    generated = [f"-I{path}" for path in {p.parents[3] for p in build.rglob("barnabas/protocol/gen/*.h")}]
    # Compiled rather than only read, in files whose names stay: so ccache knows them again.
    cache = [path] if (path := shutil.which("ccache")) else []
    environment = {**os.environ, "CCACHE_BASEDIR": str(root), "CCACHE_NOHASHDIR": "1"}
    common = [*cache, compiler, "-std=c++23", "-c", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{root}",
              f"-I{root / 'include'}", *generated, *flags]
    folder = build / "headers"
    folder.mkdir(exist_ok=True)

    def compile_one(item):
        path, extra = item
        header = str(path.relative_to(root))
        source = folder / (header.replace("/", "__") + ".cc")
        source.write_text(f'#include "{header}"\n')
        done = subprocess.run([*common, *extra, source.name, "-o", source.name + ".o"], cwd=folder, env=environment,
                              capture_output=True, text=True, check=False)
        return path, done.returncode, done.stderr

    items = list(headers(root))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, status, errors in pool.map(compile_one, items):
            if status != 0:
                failed += 1
                print(f"{path.relative_to(root)} does not compile alone:\n{errors[:2000]}")
    print(f"{len(items)} headers, {failed} do not compile alone")
    return 1 if failed or not items else 0


if __name__ == "__main__":
    sys.exit(main())
