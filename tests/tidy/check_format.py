"""check_format.py ROOT [--fix]: clang-format over all C++ files."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import code_files  # noqa: E402

FILES_PER_CALL = 20


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    # Other versions format a few shapes differently.
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if program is None:
        print("clang-format is not installed")
        return 1
    mode = ["-i"] if "--fix" in sys.argv else ["--dry-run", "-Werror"]
    files = [str(path) for path in code_files(root)]
    pending = [files[i:i + FILES_PER_CALL] for i in range(0, len(files), FILES_PER_CALL)]
    running: list[subprocess.Popen] = []
    failed = 0
    while pending or running:
        while pending and len(running) < (os.cpu_count() or 1):
            running.append(subprocess.Popen([program, "--style=file", *mode, *pending.pop()], cwd=root))
        failed += running.pop(0).wait() != 0
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
