"""Counting what passed, failed and was skipped, from GoogleTest, ctest and our own programs."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import xml.etree.ElementTree as ElementTree


@dataclasses.dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)  # failures and skips, a line each

    def add(self, other: "Tally") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes

    def fail(self, note: str) -> None:
        self.failed += 1
        self.notes.append(f"FAILED  {note}")

    def skip(self, note: str) -> None:
        self.skipped += 1
        self.notes.append(f"SKIPPED {note}")

    def line(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_gtest(folder: pathlib.Path) -> tuple[Tally, set[str]]:
    """All reports that GTEST_OUTPUT=xml:FOLDER/ left, and the names of the programs that did."""
    tally = Tally()
    programs = set()
    for path in sorted(folder.glob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:
            continue  # the program died while it wrote; ctest reports it
        programs.add(path.stem)
        for case in root.iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            if case.get("status") == "notrun":
                continue  # disabled or filtered out
            if case.find("failure") is not None:
                tally.fail(name)
            elif case.get("result") == "skipped" or case.find("skipped") is not None:
                tally.skip(name)
            else:
                tally.passed += 1
    return tally, programs


def read_ctest(path: pathlib.Path, counted: set[str]) -> Tally:
    """ctest's JUnit report. Programs whose cases were counted one by one (`unit.<layer>` is the
    program `<layer>_test`) count again only when they failed without a failed case."""
    tally = Tally()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = case.get("name", "?")
        status = case.get("status")
        alone = name.removeprefix("unit.") + "_test" not in counted
        if status == "fail":
            if alone:
                tally.fail(f"ctest {name}")
            else:
                tally.notes.append(f"FAILED  ctest {name} (its cases are above)")
        elif status in ("notrun", "disabled") or case.find("skipped") is not None:
            tally.skip(f"ctest {name}")
        elif alone:
            tally.passed += 1
    return tally


def read_program(path: pathlib.Path, name: str, exit_code: int, output_tail: str = "") -> Tally:
    """The JSON that harness.py writes; a program that left none has failed as a whole."""
    tally = Tally()
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        tally.fail(f"{name}: ended with {exit_code} and no result {output_tail}".rstrip())
        return tally
    tally.passed = int(data["passed"])
    for test in data["failed"]:
        tally.fail(f"{name}: {test}")
    for test in data["skipped"]:
        tally.skip(f"{name}: {test}")
    if exit_code != 0 and not data["failed"]:
        tally.fail(f"{name}: ended with {exit_code}")
    return tally


SUMMARY = re.compile(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)?")
FAILED_LINE = re.compile(r"^FAIL(?:ED)?\b\s*(.*)$", re.MULTILINE)
SKIPPED_WHOLE = 77


def read_summary(text: str, name: str, exit_code: int) -> Tally:
    """A program whose last lines say `N passed, N failed[, N skipped]`."""
    tally = Tally()
    if exit_code == SKIPPED_WHOLE:
        tally.skip(f"{name}: {text.strip()[-200:]}")
        return tally
    found = SUMMARY.findall(text)
    if not found:
        tally.fail(f"{name}: ended with {exit_code} and no summary")
        return tally
    passed, failed, skipped = (int(number or 0) for number in found[-1])
    tally.passed, tally.failed, tally.skipped = passed, failed, skipped
    tally.notes += [f"FAILED  {name}: {line}" for line in FAILED_LINE.findall(text)[:failed]]
    if skipped:
        tally.notes.append(f"SKIPPED {name}: {skipped}")
    if exit_code != 0 and failed == 0:
        tally.fail(f"{name}: ended with {exit_code}")
    return tally
