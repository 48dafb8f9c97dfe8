"""check_layers.py LAYERS_TXT ROOT: every include must be an edge of the layer graph or an allowed
external prefix. LAYERS_TXT is written by cmake/layer.cmake: `name folder deps… | prefixes…`.

A folder that is no layer (a program, tests, bench) may include everything."""

from __future__ import annotations

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import CODE, code_files  # noqa: E402

INCLUDE = re.compile(r'\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
# C headers of the language itself; anything else with a dot or slash belongs to somebody.
C_STANDARD = {"math.h", "stddef.h", "stdint.h", "string.h"}


class Graph:
    def __init__(self, text: str) -> None:
        self.direct: dict[str, set[str]] = {}
        self.external: dict[str, tuple[str, ...]] = {}
        self.folder: dict[str, str] = {}
        for line in text.splitlines():
            if not line.strip():
                continue
            inside, _, outside = line.partition("|")
            name, path, *deps = inside.split()
            self.direct[name] = set(deps)
            self.external[name] = tuple(outside.split())
            self.folder[name] = path

    def owner(self, folder: str) -> str | None:
        hits = [n for n, f in self.folder.items() if folder == f or folder.startswith(f + "/")]
        return max(hits, key=lambda n: len(self.folder[n]), default=None)

    def fault(self, layer: str, quoted: str | None, angled: str | None) -> str | None:
        if quoted:
            to = self.owner(str(pathlib.PurePosixPath(quoted).parent))
            if "/" not in quoted:
                return f'"{quoted}" must be named from the root of the repository'
            if to is None and layer != "(none)":
                return f'"{quoted}" belongs to no layer'
            if to == layer or to in self.direct[layer]:
                return None
            what, allowed = f"layer '{to}'", sorted(self.direct[layer])
        else:
            if not re.search(r"[./]", angled) or angled in C_STANDARD or any(
                    angled.startswith(prefix) for prefix in self.external[layer]):
                return None
            what, allowed = f"<{angled}>", list(self.external[layer])
        return f"layer '{layer}' may not include {what} (allowed: {', '.join(allowed) or 'none'})"


def main() -> int:
    graph = Graph(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    root = pathlib.Path(sys.argv[2])
    bad = 0
    for path in code_files(root):
        layer = graph.owner(path.parent.as_posix())
        if layer is None or path.suffix not in CODE or path.name == "main.cc":
            continue
        for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            fault = graph.fault(layer, match[1], match[2]) if match else None
            if fault:
                bad += 1
                print(f"{path}:{number}: {fault}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
