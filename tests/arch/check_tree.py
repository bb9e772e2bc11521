"""Checks the checkout against the rules of the house; lists every finding and fails if there is one.

    check_tree.py [root]
"""

import sys
from pathlib import Path

import tree as checks


def main():
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    tree = checks.Tree(root)
    if len(tree.modules) < 3:
        print(f"{root}: only the modules {tree.modules}; is this the checkout?")
        return 1
    findings = [finding for check in checks.CHECKS for finding in check(tree)]
    for finding in findings:
        print(finding)
    print(f"{len(tree.modules)} modules, {len(tree.sources)} files, {len(checks.edges(tree))} edges: "
          f"{len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
