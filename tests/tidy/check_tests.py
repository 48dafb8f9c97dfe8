"""check_tests.py ROOT: every .cc of a layer is tested: tests/unit/<same path>_test.cc is there, or a
test under tests/unit, tests/fuzz or tests/sim includes the header that the .cc implements (its first
include), or untested.txt (path or pattern) says what tests it. Lines of untested.txt that are no
longer needed are faults."""

from __future__ import annotations

import fnmatch
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import code_files, read_list  # noqa: E402

LAYERS = ("router", "rebalancer", "config", "admin")
TESTS = ("tests/unit/", "tests/fuzz/", "tests/sim/")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def faults(texts: dict[str, str], allowed: dict[str, str]) -> list[str]:
    """`texts`: path → source of every code file."""
    included = set()
    for path, text in texts.items():
        if path.startswith(TESTS):
            included.update(INCLUDE.findall(text))
    without = []
    for path, text in texts.items():
        if not path.startswith(LAYERS) or not path.endswith(".cc") or path.endswith("/main.cc"):
            continue
        own = INCLUDE.search(text)
        if f"tests/unit/{path[:-3]}_test.cc" not in texts and not (own and own[1] in included):
            without.append(path)
    found = [f"{path}:1: no test includes its header; write tests/unit/{path[:-3]}_test.cc"
             for path in without if not any(fnmatch.fnmatch(path, entry) for entry in allowed)]
    found += [f"tests/tidy/untested.txt: {entry} is not needed any more; take it out"
              for entry in allowed if not any(fnmatch.fnmatch(path, entry) for path in without)]
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    texts = {path.as_posix(): (root / path).read_text(encoding="utf-8") for path in code_files(root)}
    found = faults(texts, read_list(pathlib.Path(__file__).with_name("untested.txt")))
    print("\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
