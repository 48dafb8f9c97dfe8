"""Numbers into markdown."""

from __future__ import annotations

import os
import pathlib
import platform
import re
import statistics
from collections.abc import Sequence


def spread(values: Sequence[float], digits: int = 1) -> str:
    """Median and, behind it, the smallest and the largest."""
    if not values:
        return "–"
    middle = f"{statistics.median(values):.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} [{min(values):.{digits}f}..{max(values):.{digits}f}]"


def ratio(values: Sequence[float], to: Sequence[float]) -> str:
    """Median of the ratios of the rounds: both sides of each met the same noise."""
    pairs = [a / b for a, b in zip(values, to, strict=False) if b > 0]
    return f"{statistics.median(pairs):.2f}" if pairs else "–"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def machine_facts() -> list[tuple[str, str]]:
    cpu = re.search(r"^model name\s*: (.*)$",
                    pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+)",
                       pathlib.Path("/proc/meminfo").read_text(encoding="ascii"), re.MULTILINE)
    facts = [("CPU", f"{os.cpu_count()} × {cpu[1] if cpu else platform.machine()}"),
             ("kernel", platform.release()),
             ("load before", " ".join(f"{load:.1f}" for load in os.getloadavg()))]
    if memory:
        facts.insert(1, ("memory", f"{int(memory[1]) // (1 << 20)} GiB"))
    return facts
