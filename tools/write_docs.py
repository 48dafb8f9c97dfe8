"""write_docs.py [--check] [--bin DIR] [--layers FILE]: writes the generated pages and tables of
docs/ (settings.md, metrics.md, refusals.md, the layer table of architecture.md), or says which are stale."""

from __future__ import annotations

import argparse
import difflib
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import gen_layer_table  # noqa: E402

REFERENCE = {"settings": "docs/settings.md", "metrics": "docs/metrics.md",
             "refusals": "docs/refusals.md"}


def pages(binaries: pathlib.Path, layers: pathlib.Path) -> dict[pathlib.Path, str]:
    made = {}
    for name, path in REFERENCE.items():
        made[ROOT / path] = subprocess.run([binaries / "reference_doc", name], check=True,
                                           capture_output=True, text=True).stdout
    architecture = ROOT / "docs/architecture.md"
    made[architecture] = gen_layer_table.updated(architecture.read_text(encoding="utf-8"), ROOT,
                                                 layers.read_text(encoding="utf-8"))
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/dev/bin")
    parser.add_argument("--layers", type=pathlib.Path, default=ROOT / "build/dev/layers.txt")
    arguments = parser.parse_args()
    stale = 0
    for path, text in pages(arguments.bin, arguments.layers).items():
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        if old == text:
            continue
        stale += 1
        name = str(path.relative_to(ROOT))
        if arguments.check:
            print(f"{name} is stale; run tools/dev docs")
            sys.stdout.writelines(difflib.unified_diff(
                old.splitlines(True), text.splitlines(True), name, "as the code says", n=0))
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    return bool(stale) if arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
