"""The files that the checks look at, and how they report."""

from __future__ import annotations

import os
import pathlib
import subprocess
from collections.abc import Iterator

SOURCE_FOLDERS = ("router", "rebalancer", "config", "admin", "bench", "tests", "tools")
CODE = {".h", ".cc"}
SKIPPED = {"build", ".git", ".cache", "node_modules", "corpus", "__pycache__"}


def all_files(root: pathlib.Path) -> list[pathlib.Path]:
    """Tracked and new files, relative to the root; without git (an archive), what is there."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            capture_output=True, check=True).stdout.decode()
        names = sorted(set(filter(None, listed.split("\0"))))
        return [pathlib.Path(name) for name in names if (root / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        found = []
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED)
            base = pathlib.Path(folder).relative_to(root)
            found += [base / name for name in sorted(files)]
        return found


def code_files(root: pathlib.Path) -> Iterator[pathlib.Path]:
    for path in all_files(root):
        if path.suffix in CODE and path.parts[0] in SOURCE_FOLDERS:
            yield path


def read_list(path: pathlib.Path) -> dict[str, str]:
    """Lines `path  reason`; a path without a reason is a mistake of the list."""
    entries = {}
    if not path.exists():
        return entries
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.partition(" ")
            if not reason.strip():
                raise SystemExit(f"{path}: {name} needs a reason")
            entries[name] = reason.strip()
    return entries


def without_comments(text: str) -> str:
    """The code with comments and the contents of literals blanked; line numbers stay."""
    out = []
    i = 0
    while i < len(text):
        if text.startswith("//", i):
            end = text.find("\n", i)
            i = len(text) if end < 0 else end
        elif text.startswith("/*", i):
            end = text.find("*/", i + 2)
            end = len(text) if end < 0 else end + 2
            out.append("\n" * text.count("\n", i, end))
            i = end
        elif text.startswith('R"', i) and (i == 0 or not (text[i - 1].isalnum() or text[i - 1] == "_")):
            opening = text.find("(", i)
            closing = ")" + text[i + 2:opening] + '"'
            end = text.find(closing, opening)
            end = len(text) if end < 0 else end + len(closing)
            out.append('""' + "\n" * text.count("\n", i, end))
            i = end
        elif text[i] == '"' or (text[i] == "'" and not (i and text[i - 1].isalnum())):
            end = i + 1
            while end < len(text) and text[end] != text[i] and text[end] != "\n":
                end += 2 if text[end] == "\\" else 1
            out.append(text[i] * 2)
            i = end + 1
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
