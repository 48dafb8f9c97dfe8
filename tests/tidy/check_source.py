"""check_source.py ROOT: size of files, names of files, words that may not stand, what pure layers
may not do. Exceptions are in size_allowed.txt, with a reason each; an exception that is no longer
needed is a fault too, so the list can only shrink."""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import CODE, SOURCE_FOLDERS, all_files, line_of, read_list, without_comments  # noqa: E402

LINES_MAX = 600
TEXT = CODE | {".py", ".sql", ".sh", ".cmake", ".txt", ".md", ".toml", ".yaml", ".json", ""}
# Split, so that this file passes its own test.
MARKERS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
BAD_NAMES = re.compile(r"(^|_)(utils?|common|helpers?|managers?|misc|impl)(_|$)")
PURE = ("router/base", "router/wire", "router/sql", "router/catalog", "router/auth", "router/plan",
        "router/merge", "router/policy", "rebalancer/decide")
CLOCKS = re.compile(
    r"absl::Now\s*\(|_clock::now|\bclock_gettime\b|\bgettimeofday\b|[^_\w.>:]time\s*\(\s*(?:nullptr|NULL|0)\s*\)")
LOGS = re.compile(r"\blog::(Event|Debug|Info|Warning|Error)\b|\bstd::(cerr|cout|clog)\b|\bf?printf\s*\(")
STRING_VIEW = re.compile(r"\babsl::string_view\b")
LOCKS = re.compile(r"\babsl::(Mutex|CondVar)\b")


def code_faults(path: pathlib.PurePath, source: str) -> Iterator[tuple[int, str]]:
    text = without_comments(source)
    folder = path.parent.as_posix()
    if path.suffix == ".h":
        if "#pragma once" not in source:
            yield 1, "header without #pragma once"
        if not source.startswith("//"):
            yield 1, "header without a comment at its head: what it is, what not, which thread"
    if any(folder == pure or folder.startswith(pure + "/") for pure in PURE):
        for match in CLOCKS.finditer(text):
            yield line_of(text, match.start()), "a pure layer reads no clock; pass the time in"
        for match in LOGS.finditer(text):
            yield line_of(text, match.start()), "a pure layer writes no log; return what happened"
    if path.suffix == ".h":
        for match in STRING_VIEW.finditer(text):
            yield line_of(text, match.start()), "std::string_view in interfaces"
    for match in LOCKS.finditer(text):
        yield line_of(text, match.start()), "std::mutex: ThreadSanitizer cannot see into abseil's"


def faults(path: pathlib.PurePath, source: str, long_allowed: bool) -> Iterator[tuple[int, str]]:
    lines = source.count("\n")
    if path.suffix in CODE | {".py"} and lines > LINES_MAX and not long_allowed:
        yield 1, f"{lines} lines; at most {LINES_MAX}"
    if long_allowed and lines <= LINES_MAX:
        yield 1, "short enough now: take it out of size_allowed.txt"
    if path.suffix in CODE | {".py"} and BAD_NAMES.search(path.stem):
        yield 1, "a file is named after its one class or its one step"
    for match in MARKERS.finditer(source):
        yield line_of(source, match.start()), f"{match[0]}: do it, or write it down as a limitation"
    if path.suffix in CODE:
        yield from code_faults(path, source)


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    allowed = read_list(pathlib.Path(__file__).with_name("size_allowed.txt"))
    files = all_files(root)
    bad = 0
    for path in files:
        if path.suffix not in TEXT or path.parts[0] == "data" or "corpus" in path.parts:
            continue
        if path.parts[0] not in (*SOURCE_FOLDERS, "docs", "cmake") and len(path.parts) > 1:
            continue
        try:
            source = (root / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for line, why in faults(path, source, path.as_posix() in allowed):
            bad += 1
            print(f"{path}:{line}: {why}")
    for name in allowed.keys() - {path.as_posix() for path in files}:
        bad += 1
        print(f"tests/tidy/size_allowed.txt: {name} is not there")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
