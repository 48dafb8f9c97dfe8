"""check_co_await.py ROOT: shapes that gcc 12 compiles into double destruction, or that leave a
coroutine with dangling captures.

- a braced temporary or a capturing lambda inside a co_await expression: name it first;
- a lambda coroutine with captures: the captures die with the lambda object;
- asio::detached: it hides how a coroutine ended."""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterator

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from sources import code_files, line_of, without_comments  # noqa: E402

CAPTURE = re.compile(r"\[\s*[^\]\s][^\]]*\]\s*(\(|mutable|->|\{)")
BRACED = re.compile(r"[A-Za-z_0-9>]\s*\{(?!\s*\})")
PLAIN_LAMBDA = re.compile(r"\[\s*\]\s*(\([^()]*\))?[^{;]*\{")
LAMBDA_COROUTINE = re.compile(
    r"\[\s*[^\]\s][^\]]*\]\s*\([^()]*\)[^{;]*->\s*(?:\w+::)*(?:Task|awaitable)\s*<")
DETACHED = re.compile(r"\b(?:asio::)?detached\b")


def awaited(text: str) -> Iterator[tuple[int, str]]:
    """Each co_await's operand: up to the end of the statement or of the bracket around it."""
    for match in re.finditer(r"\bco_await\b", text):
        depth, i = 0, match.end()
        while i < len(text):
            if text[i] in "([{":
                depth += 1
            elif text[i] in ")]}":
                depth -= 1
                if depth < 0:
                    break
            elif text[i] == ";" and depth == 0:
                break
            # `if (co_await x) {`: the bracket around it has closed before.
            i += 1
        yield match.start(), text[match.end():i]


def faults(source: str) -> Iterator[tuple[int, str]]:
    text = without_comments(source)
    if "co_await" in text or "co_return" in text:
        for match in LAMBDA_COROUTINE.finditer(text):
            yield line_of(text, match.start()), "lambda coroutine with captures; make it a function"
        for match in DETACHED.finditer(text):
            yield line_of(text, match.start()), "detached hides how a coroutine ended"
    for at, operand in awaited(text):
        if CAPTURE.search(operand):
            yield line_of(text, at), "capturing lambda inside a co_await expression; name it first"
        elif BRACED.search(PLAIN_LAMBDA.sub("", operand)):
            yield line_of(text, at), "braced temporary inside a co_await expression; name it first"


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    bad = 0
    for path in code_files(root):
        for line, why in faults((root / path).read_text(encoding="utf-8")):
            bad += 1
            print(f"{path}:{line}: {why}")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
