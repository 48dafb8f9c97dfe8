"""check_tests.py ROOT: every .cc of a layer has tests/unit/<same path>_test.cc, or a line in
untested.txt (a path or a pattern) that says what tests it. Lines that are no longer needed are
faults."""

from __future__ import annotations

import fnmatch
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import code_files, read_list  # noqa: E402

TESTED = ("router", "rebalancer", "config", "admin")


def faults(files: list[pathlib.PurePath], allowed: dict[str, str]) -> list[str]:
    names = {path.as_posix() for path in files}
    without = [path.as_posix() for path in files
               if path.parts[0] in TESTED and path.suffix == ".cc" and path.name != "main.cc"
               and f"tests/unit/{path.with_suffix('').as_posix()}_test.cc" not in names]
    found = [f"{name}:1: no tests/unit/{name[:-3]}_test.cc, and no line in tests/tidy/untested.txt"
             for name in without if not any(fnmatch.fnmatch(name, entry) for entry in allowed)]
    found += [f"tests/tidy/untested.txt: {entry} is not needed any more; take it out"
              for entry in allowed if not any(fnmatch.fnmatch(name, entry) for name in without)]
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    found = faults(list(code_files(root)),
                   read_list(pathlib.Path(__file__).with_name("untested.txt")))
    print("\n".join(found))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
