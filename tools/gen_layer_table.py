"""The table of layers in docs/architecture.md: from the layer graph that CMake writes and from the
comment at the head of each folder's CMakeLists.txt (else of its first header)."""

from __future__ import annotations

import pathlib
import re

BEGIN = "<!-- layers: written by tools/write_docs.py; do not edit -->"
END = "<!-- end of layers -->"


def comment(text: str, mark: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith(mark):
            break
        lines.append(line[len(mark):].strip())
    return " ".join(lines)


def first_sentence(text: str) -> str:
    match = re.match(r"(.*?[.;])(\s|$)", text)
    return (match[1] if match else text).rstrip(".;")


def describe(root: pathlib.Path, folder: str) -> str:
    build = root / folder / "CMakeLists.txt"
    said = comment(build.read_text(encoding="utf-8"), "#") if build.exists() else ""
    for header in sorted((root / folder).glob("*.h")) if not said else []:
        said = comment(header.read_text(encoding="utf-8"), "//")
        break
    return first_sentence(said)


def table(root: pathlib.Path, graph: str) -> str:
    rows = ["| Layer | Folder | May include | Outside | What it is |", "| --- | --- | --- | --- | --- |"]
    for line in filter(str.strip, graph.splitlines()):
        inside, _, outside = line.partition("|")
        name, folder, *deps = inside.split()
        rows.append(f"| {name} | `{folder}` | {' '.join(deps) or '–'} | "
                    f"{' '.join(f'`{o}`' for o in outside.split()) or '–'} | {describe(root, folder)} |")
    return "\n".join(rows)


def updated(page: str, root: pathlib.Path, graph: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(root, graph)}\n{END}{after}"
