"""Checks of a source tree against rules.py. Each check yields findings: "file:line: what is wrong"."""

import re
from pathlib import Path

import rules

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
MUTEX = re.compile(r"^\s*(?:mutable\s+)?(?:std::(?:recursive_|shared_)?mutex|(?:barnabas::)?Mutex)\s+(\w+)")


class Tree:
    """The files of a checkout, read once."""

    def __init__(self, root):
        self.root = Path(root)
        self.modules = sorted(p.name for p in (self.root / "src").iterdir() if p.is_dir() and any(p.rglob("*.cc")))
        self.sources = [p for top in ("src", "include", "tests") for p in sorted((self.root / top).rglob("*"))
                        if p.suffix in (".cc", ".h")]
        self.lines = {p: p.read_text(encoding="utf-8").splitlines() for p in self.sources}

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    def module_of(self, path):
        """The module that a file under src/ or include/barnabas/ belongs to, else None."""
        parts = path.relative_to(self.root).parts
        if parts[0] == "src" and len(parts) > 2:
            return parts[1]
        if parts[:2] == ("include", "barnabas") and len(parts) > 3:
            return parts[2]
        return None

    def module_files(self):
        for path in self.sources:
            module = self.module_of(path)
            if module:
                yield path, module

    def includes(self, path):
        for number, line in enumerate(self.lines[path], 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1), match.group(2)


def declared_depends(tree):
    """module -> the modules named after DEPENDS in its CMakeLists.txt."""
    depends = {}
    for module in tree.modules:
        cmake = tree.root / "src" / module / "CMakeLists.txt"
        text = re.sub(r"#.*", "", cmake.read_text(encoding="utf-8")) if cmake.exists() else ""
        match = re.search(r"barnabas_module\(\s*" + module + r"\b([^)]*)\)", text)
        words = match.group(1).split() if match else []
        named = set()
        if "DEPENDS" in words:
            for word in words[words.index("DEPENDS") + 1:]:
                if word in ("SOURCES", "LINK"):
                    break
                named.add(word)
        depends[module] = named
    return depends


def edges(tree):
    """(module, other) -> "file:line" of the first include that makes the edge."""
    found = {}
    for path, module in tree.module_files():
        for number, _, target in tree.includes(path):
            match = re.match(r"barnabas/(\w+)/", target)
            if match and match.group(1) != module:
                found.setdefault((module, match.group(1)), f"{tree.name(path)}:{number}")
    return found


def check_edges(tree):
    depends = declared_depends(tree)
    for (module, other), where in sorted(edges(tree).items()):
        if module not in rules.ALLOWED:
            yield f"{where}: module {module} is not in tests/arch/rules.py"
        elif other != "base" and other not in rules.ALLOWED[module]:
            yield f"{where}: {module} may not use {other}"
        elif other not in depends.get(module, set()) and not (other == "base" and depends.get(module)):
            yield f"{where}: {module} uses {other} without DEPENDS in src/{module}/CMakeLists.txt"
    for module, named in depends.items():
        for other in sorted(named - rules.ALLOWED.get(module, set()) - {"base"}):
            yield f"src/{module}/CMakeLists.txt: {module} may not depend on {other}"


def check_circles(tree):
    graph = {}
    for module, other in edges(tree):
        graph.setdefault(module, set()).add(other)
    done, path = set(), []

    def visit(module):
        if module in path:
            yield "modules in a circle: " + " -> ".join(path[path.index(module):] + [module])
            return
        if module in done:
            return
        path.append(module)
        for other in sorted(graph.get(module, ())):
            yield from visit(other)
        path.pop()
        done.add(module)

    for module in sorted(graph):
        yield from visit(module)


def check_private_headers(tree):
    """A quoted include that is not a public header must lie in the module's own folder."""
    for path, module in tree.module_files():
        home = tree.root / "src" / module
        for number, quote, target in tree.includes(path):
            if quote != '"' or target.startswith("barnabas/"):
                continue
            where = f"{tree.name(path)}:{number}"
            if ".." in Path(target).parts:
                yield f"{where}: {target} climbs out of its folder"
            elif path.parts[len(tree.root.parts)] == "include":
                yield f"{where}: a public header may include public headers alone, not {target}"
            elif not (home / target).exists() and not (path.parent / target).exists():
                yield f"{where}: {target} is neither a public header nor one of src/{module}"


def check_asio(tree):
    for path in tree.sources:
        public = path.relative_to(tree.root).parts[0] == "include"
        for number, _, target in tree.includes(path):
            where = f"{tree.name(path)}:{number}"
            if target == "boost/asio.hpp":
                yield f"{where}: the umbrella <boost/asio.hpp>; include what is used"
            elif public and target.startswith("boost/asio") and tree.module_of(path) != "net":
                yield f"{where}: Asio stays out of public headers other than net's"


def code_lines(lines):
    """The lines without comments and without what stands in quotes; same count, same numbers."""
    in_comment = False
    raw_end = None
    for line in lines:
        out, i = "", 0
        while i < len(line):
            if raw_end:
                end = line.find(raw_end, i)
                if end < 0:
                    i = len(line)
                else:
                    i, raw_end = end + len(raw_end), None
                continue
            if in_comment:
                end = line.find("*/", i)
                if end < 0:
                    i = len(line)
                else:
                    i, in_comment = end + 2, False
                continue
            if line.startswith("//", i):
                break
            if line.startswith("/*", i):
                in_comment, i = True, i + 2
                continue
            raw = re.compile(r'R"([^(\s]*)\(').match(line, i)
            if raw:
                raw_end, i = ")" + raw.group(1) + '"', raw.end()
                continue
            if line[i] == '"' or (line[i] == "'" and not (i > 0 and line[i - 1].isalnum())):
                quote, i = line[i], i + 1
                while i < len(line) and line[i] != quote:
                    i += 2 if line[i] == "\\" else 1
                i += 1
                out += quote + quote
                continue
            out += line[i]
            i += 1
        yield out


def check_core(tree):
    patterns = [(re.compile(pattern), why) for pattern, why in rules.FORBIDDEN_IN_CORE]
    for path, module in tree.module_files():
        if module not in rules.CORE or tree.name(path).startswith(rules.BUILD_TOOLS):
            continue
        for number, line in enumerate(code_lines(tree.lines[path]), 1):
            for pattern, why in patterns:
                if pattern.search(line):
                    yield f"{tree.name(path)}:{number}: {module} {why}"


def check_file_length(tree):
    for path in tree.sources:
        count = len(tree.lines[path])
        if count > rules.MAX_FILE_LINES:
            yield f"{tree.name(path)}:1: {count} lines; the wall is {rules.MAX_FILE_LINES}"


def functions(lines):
    """(first line, last line) of every function body that stands in a namespace or a class.

    Rough on purpose: braces are counted, and a scope is a function's when what stands before its
    brace holds a parenthesis and does not begin a namespace, a type or an initialiser.
    """
    scopes = []  # (kind, line)
    statement = ""
    for number, line in enumerate(code_lines(lines), 1):
        if line.lstrip().startswith("#"):
            continue
        for c in line:
            if c == "{":
                text = statement.strip()
                if any(kind == "function" for kind, _ in scopes):
                    kind = "inner"
                elif re.match(r"(export\s+)?(inline\s+)?namespace\b|extern\s*\"\"", text):
                    kind = "namespace"
                elif re.search(r"\b(class|struct|enum|union)\b[^()]*$", text):
                    kind = "type"
                elif "(" in text and not re.search(r"=\s*$", text):
                    kind = "function"
                else:
                    kind = "inner"
                scopes.append((kind, number))
                statement = ""
            elif c == "}":
                if scopes:
                    kind, first = scopes.pop()
                    if kind == "function":
                        yield first, number
                statement = ""
            elif c == ";":
                statement = ""
            else:
                statement += c
        statement += " "


def check_function_length(tree):
    for path, _ in tree.module_files():
        for first, last in functions(tree.lines[path]):
            if last - first - 1 > rules.MAX_FUNCTION_LINES:
                yield f"{tree.name(path)}:{first}: a function of {last - first - 1} lines; {rules.MAX_FUNCTION_LINES} fit a screen"


def check_loose_ends(tree):
    words = re.compile(r"\b(TODO|FIXME|XXX)\b")
    for path in tree.sources:
        for number, line in enumerate(tree.lines[path], 1):
            if words.search(line):
                yield f"{tree.name(path)}:{number}: a loose end: {line.strip()[:60]}"


def check_readmes(tree):
    for module in tree.modules:
        if not (tree.root / "src" / module / "README.md").exists():
            yield f"src/{module}: has no README.md"


def check_mutexes(tree):
    """Every file that declares a mutex is named in docs/threads.md, with the mutex."""
    doc = tree.root / "docs" / "threads.md"
    listed = doc.read_text(encoding="utf-8") if doc.exists() else ""
    for path, _ in tree.module_files():
        for number, line in enumerate(tree.lines[path], 1):
            match = MUTEX.match(line)
            if match and not re.search(re.escape(tree.name(path)) + r"`?[^\n]*\b" + match.group(1) + r"\b", listed):
                yield f"{tree.name(path)}:{number}: the mutex {match.group(1)} is not in docs/threads.md"


CHECKS = [check_edges, check_circles, check_private_headers, check_asio, check_core, check_file_length,
          check_function_length, check_loose_ends, check_readmes, check_mutexes]
