"""The checks find what they are for: each is shown a small tree with one fault, and one without."""

import tempfile
import unittest
from pathlib import Path

import tree as checks

GOOD = {
    "src/base/CMakeLists.txt": "barnabas_module(base\n  SOURCES a.cc)\n",
    "src/base/README.md": "base\n",
    "src/base/a.cc": '#include "barnabas/base/a.h"\n',
    "include/barnabas/base/a.h": "#pragma once\n#include <string>\n",
    "src/record/CMakeLists.txt": "barnabas_module(record SOURCES r.cc DEPENDS base)\n",
    "src/record/README.md": "record\n",
    "src/record/r.cc": '#include "barnabas/record/r.h"\n#include "own.h"\nint f() {\n  return 1;\n}\n',
    "src/record/own.h": "#pragma once\n",
    "include/barnabas/record/r.h": '#pragma once\n#include "barnabas/base/a.h"\n',
    "src/storage/CMakeLists.txt": "barnabas_module(storage SOURCES s.cc DEPENDS base record LINK z)\n",
    "src/storage/README.md": "storage\n",
    "src/storage/s.cc": '#include "barnabas/record/r.h"\n',
    "tests/unit/t.cc": "int main() {}\n",
}


class TreeTest(unittest.TestCase):
    def findings(self, **changes):
        """What all checks say of the good tree with some files changed."""
        files = dict(GOOD)
        files.update({name.replace("__", "/"): text for name, text in changes.pop("files", {}).items()})
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            tree = checks.Tree(folder)
            return [finding for check in checks.CHECKS for finding in check(tree)]

    def expect(self, finding, files):
        found = self.findings(files=files)
        self.assertTrue(any(finding in one for one in found), f"{finding!r} is not in {found}")

    def test_a_good_tree_has_no_findings(self):
        self.assertEqual(self.findings(), [])

    def test_an_edge_against_the_direction(self):
        self.expect("src/record/own.h:2: record may not use storage",
                    {"src/record/own.h": '#pragma once\n#include "barnabas/storage/s.h"\n'})

    def test_an_edge_that_cmake_does_not_declare(self):
        self.expect("storage uses record without DEPENDS",
                    {"src/storage/CMakeLists.txt": "barnabas_module(storage SOURCES s.cc DEPENDS base)\n"})

    def test_a_dependency_that_is_not_allowed(self):
        self.expect("record may not depend on storage",
                    {"src/record/CMakeLists.txt": "barnabas_module(record SOURCES r.cc DEPENDS base storage)\n"})

    def test_a_module_nobody_knows(self):
        self.expect("module extra is not in", {"src/extra/e.cc": '#include "barnabas/base/a.h"\n'})

    def test_a_circle(self):
        self.expect("modules in a circle: record -> storage -> record",
                    {"src/record/own.h": '#include "barnabas/storage/s.h"\n'})

    def test_a_private_header_of_another_module(self):
        self.expect("neither a public header", {"src/storage/s.cc": '#include "record/own.h"\n'})
        self.expect("climbs out", {"src/storage/s.cc": '#include "../record/own.h"\n'})

    def test_a_public_header_that_needs_a_private_one(self):
        self.expect("public headers alone", {"include/barnabas/record/r.h": '#include "own.h"\n'})

    def test_asio(self):
        self.expect("the umbrella", {"tests/unit/t.cc": "#include <boost/asio.hpp>\n"})
        self.expect("Asio stays out", {"include/barnabas/record/r.h": "#include <boost/asio/post.hpp>\n"})

    def test_what_the_core_may_not_call(self):
        for line in ("auto t = std::chrono::steady_clock::now();", "std::this_thread::sleep_for(x);",
                     "std::thread t(f);", "int fd = ::open(path, 0);", "std::ifstream in(path);",
                     "thread_local int x;", "std::random_device r;", "auto t = std::time(nullptr);"):
            self.expect("src/storage/s.cc:1: storage", {"src/storage/s.cc": line + "\n"})

    def test_what_only_looks_forbidden(self):
        for line in ("// std::thread t;", 'auto s = "std::thread";', "file->open(path);", "Clock::now_ms();",
                     "log.open(path);", "vfs.open(path, mode);"):
            self.assertEqual(self.findings(files={"src/storage/s.cc": line + "\n"}), [])

    def test_what_base_may(self):
        self.assertEqual(self.findings(files={"src/base/a.cc": "auto t = std::chrono::steady_clock::now();\n"}), [])

    def test_long_files(self):
        self.expect("801 lines", {"src/storage/s.cc": "int x;\n" * 801})

    def test_long_functions(self):
        body = "  call();\n"
        for head in ("void f() {", "int Type::f(int a,\n        int b) const {", "Type::Type() : a_(1) {",
                     "auto f = [](int a) {", "template <typename T>\nvoid f(T t) {"):
            self.expect("a function of 71 lines",
                        {"src/storage/s.cc": "namespace a {\n" + head + "\n" + body * 71 + "}\n}\n"})
        self.assertEqual(self.findings(files={"src/storage/s.cc": "void f() {\n" + body * 70 + "}\n"}), [])

    def test_long_tables_and_types_are_no_functions(self):
        self.assertEqual(self.findings(files={
            "src/storage/s.cc": "constexpr int kAll[] = {\n" + "  f(1),\n" * 90 + "};\n"
                                "class A : B {\n" + "  void f();\n" * 90 + "};\n"}), [])

    def test_loose_ends(self):
        self.expect("a loose end", {"src/storage/s.cc": "// TO" + "DO later\n"})

    def test_a_module_without_readme(self):
        self.expect("has no README.md", {"src/http/h.cc": "int x;\n"})

    def test_a_mutex_that_is_not_listed(self):
        self.expect("the mutex mutex_ is not in docs/threads.md", {"src/storage/s.cc": "Mutex mutex_;\n"})
        self.assertEqual(self.findings(files={"src/storage/s.cc": "Mutex mutex_;\n",
                                              "docs/threads.md": "| `src/storage/s.cc` | `mutex_` |\n"}), [])


if __name__ == "__main__":
    unittest.main()
