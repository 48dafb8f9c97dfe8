"""./test: builds, runs the stages that were asked for, counts, and says one last line."""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import IO

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from fleets import KINDS, ROOT, TestFleet  # noqa: E402
from results import Tally, read_ctest, read_gtest, read_program, read_summary  # noqa: E402

from fleet_lib.account import FleetError  # noqa: E402

PRESET = "dev"  # sanitizers watch the binaries of every stage
DEFAULT = ("unit", "integration", "differential", "drivers")
STAGES = (*DEFAULT, "fuzz", "chaos", "image")
BUILD = ROOT / "build" / PRESET
PROGRAM_SECONDS = 900
UNIT_SECONDS = 1500
FUZZ_SECONDS = int(os.environ.get("PGREEVE_FUZZ_SECONDS", "60"))
SHORT_DIFFERENTIAL = "400"  # generated queries; `./test differential` and `all` run 2000
GB_PER_COMPILER = 1.5


class Stop(Exception):
    """The person at the terminal, or the CI, wants an end."""


def parallel() -> int:
    """As many compilers as cores, if memory has room for them; PGREEVE_JOBS decides otherwise."""
    if "PGREEVE_JOBS" in os.environ:
        return max(1, int(os.environ["PGREEVE_JOBS"]))
    available_kb = 0
    for line in pathlib.Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            available_kb = int(line.split()[1])
    return max(1, min(os.cpu_count() or 1, int(available_kb / (GB_PER_COMPILER * 1e6))))


class Run:
    def __init__(self, scratch: pathlib.Path) -> None:
        self.scratch = scratch
        self.tally = Tally()
        # Programs of all stages run together at the end, so that they share fleets.
        self.pending: list[pathlib.Path] = []
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"== {text} ({time.monotonic() - self.began:.0f} s)", flush=True)

    def command(self, argv: list[str | pathlib.Path], name: str, *,
                environment: dict[str, str] | None = None, seconds: float | None = None,
                output: IO[str] | None = None) -> int:
        """Runs a program with its output to ours; its exit code, 124 after too long a time."""
        child = subprocess.Popen(argv, cwd=ROOT, env={**os.environ, **(environment or {})},
                                 stdout=output, stderr=output and subprocess.STDOUT)
        try:
            return child.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            print(f"{name}: no end after {seconds:.0f} s", flush=True)
            return 124
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()

    # Building.

    def build(self, preset: str = PRESET) -> bool:
        self.say(f"build {preset}, {parallel()} at a time")
        if self.command(["cmake", "--preset", preset, "--log-level=WARNING"], "cmake") != 0 or \
                self.command(["ninja", "-C", f"build/{preset}", "-j", str(parallel()), "--quiet"],
                             "ninja") != 0:
            self.tally.fail(f"build of preset {preset}")
            return False
        return True

    # Stages.

    def unit(self) -> None:
        self.say("unit: GoogleTest and checks of the source, under ASan and UBSan")
        reports = self.scratch / "gtest"
        reports.mkdir()
        junit = self.scratch / "ctest.xml"
        code = self.command(
            ["ctest", "--test-dir", BUILD, "-j", str(parallel()), "--output-on-failure",
             "--output-junit", junit, "--timeout", "600", "--progress"], "ctest",
            environment={"GTEST_OUTPUT": f"xml:{reports}/"}, seconds=UNIT_SECONDS)
        cases, counted = read_gtest(reports)
        self.tally.add(cases)
        if junit.exists():
            self.tally.add(read_ctest(junit, counted))
        elif code != 0:
            self.tally.fail(f"ctest ended with {code}")

    def integration(self) -> None:
        self.pending += sorted((ROOT / "tests" / "integration").glob("test_*.py"))
        for path in sorted((ROOT / "tests" / "integration").glob("*/run.py")):
            self.suite(path)

    def drivers(self) -> None:
        self.pending += sorted((ROOT / "tests" / "drivers").glob("test_*.py"))

    def differential(self) -> None:
        self.pending += sorted((ROOT / "tests" / "differential").glob("test_*.py"))

    def suite(self, path: pathlib.Path) -> None:
        """A program with its own fleet and its own closing line `N passed, N failed`; 77: skipped."""
        name = path.parent.name
        self.say(str(path.relative_to(ROOT)))
        output = self.scratch / f"{name}.out"
        with output.open("w", encoding="utf-8") as file:
            code = self.command(["/usr/bin/python3", "-B", path], name, seconds=PROGRAM_SECONDS,
                                output=file)
        text = output.read_text(encoding="utf-8", errors="replace")
        if code == 0:
            print(text.rstrip().rpartition("\n")[2], flush=True)
        else:
            print(text[-20_000:], flush=True)
        self.tally.add(read_summary(text, name, code))

    def chaos(self) -> None:
        self.say("chaos: the long form of the fault tests")
        self.programs([ROOT / "tests" / "integration" / "test_faults.py"],
                      {"PGREEVE_CHAOS": "long"})

    def fuzz(self) -> None:
        """Every target for a minute from its corpus; what it finds stays in build/fuzz/found."""
        if not self.build("fuzz"):
            return
        programs = sorted((ROOT / "build" / "fuzz" / "bin").glob("*_fuzz"))
        self.say(f"fuzz: {len(programs)} targets for {FUZZ_SECONDS} s each")
        with concurrent.futures.ThreadPoolExecutor(max_workers=parallel()) as pool:
            for name, code in pool.map(self.fuzz_one, programs):
                if code == 0:
                    self.tally.passed += 1
                else:
                    self.tally.fail(f"{name}: see build/fuzz/found/{name}.log")

    def fuzz_one(self, program: pathlib.Path) -> tuple[str, int]:
        name = program.name.removesuffix("_fuzz")
        found = ROOT / "build" / "fuzz" / "found" / name
        found.mkdir(parents=True, exist_ok=True)
        with found.with_suffix(".log").open("w", encoding="utf-8") as log:
            code = self.command(
                [program, f"-max_total_time={FUZZ_SECONDS}", f"-artifact_prefix={found}/crash-",
                 "-print_final_stats=1", found, ROOT / "tests" / "fuzz" / "corpus" / name],
                name, seconds=FUZZ_SECONDS + 120, output=log)
        return name, code

    def image(self) -> None:
        script = ROOT / "tests" / "docker" / "verify.sh"
        if not script.exists():
            self.tally.skip("image: there is no Dockerfile yet")
            return
        self.whole("image", [script], {})

    def whole(self, name: str, argv: list[str | pathlib.Path], environment: dict[str, str]) -> None:
        """A program that counts as one test."""
        if self.command(argv, name, environment=environment) == 0:
            self.tally.passed += 1
        else:
            self.tally.fail(name)

    # Programs that want a fleet.

    def programs(self, paths: list[pathlib.Path], environment: dict[str, str] | None = None
                 ) -> None:
        by_kind: dict[str, list[pathlib.Path]] = {}
        for path in paths:
            by_kind.setdefault(fleet_of(path), []).append(path)
        for kind, members in sorted(by_kind.items()):
            if kind in KINDS:
                self.with_fleet(kind, members, environment or {})
            else:
                for path in members:
                    self.program(path, environment or {})

    def with_fleet(self, kind: str, members: list[pathlib.Path], environment: dict[str, str]
                   ) -> None:
        self.say(f"fleet '{kind}'")
        fleet = TestFleet(kind)
        before = self.tally.failed
        try:
            try:
                fleet.up()
            except FleetError as error:
                self.tally.fail(f"fleet '{kind}' did not come up: {error}")
                for path in members:
                    self.tally.skip(f"{path.name}: no fleet")
                return
            for path in members:
                self.program(path, {**environment, "PGREEVE_FLEET_DIR": str(fleet.folder)})
        finally:
            for alarm in fleet.close(keep=self.tally.failed > before):
                self.tally.fail(f"log of fleet '{kind}': {alarm}")

    def program(self, path: pathlib.Path, environment: dict[str, str]) -> None:
        self.say(str(path.relative_to(ROOT)))
        report = self.scratch / f"{path.parent.name}_{path.stem}.json"
        report.unlink(missing_ok=True)
        code = self.command(["/usr/bin/python3", "-B", path], path.name, seconds=PROGRAM_SECONDS,
                            environment={**environment, "PGREEVE_RESULTS": str(report),
                                         "PGREEVE_BIN": str(BUILD / "bin")})
        self.tally.add(read_program(report, f"{path.parent.name}/{path.stem}", code))


def fleet_of(path: pathlib.Path) -> str:
    """The constant FLEET of a test program, read without running it."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and any(
                isinstance(target, ast.Name) and target.id == "FLEET" for target in node.targets):
            return str(node.value.value)
    return "plain"


def stages_of(asked: list[str]) -> list[str]:
    if not asked:
        return list(DEFAULT)
    if "all" in asked:
        return list(STAGES)
    return [stage for stage in STAGES if stage in asked]


def raise_stop(number: int, _frame: object) -> None:
    raise Stop(signal.Signals(number).name)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./test", description=__doc__)
    parser.add_argument("stages", nargs="*", choices=[*STAGES, "all", []], metavar="stage",
                        help=f"{', '.join(STAGES)} or all; default: {', '.join(DEFAULT)}")
    stages = stages_of(parser.parse_args().stages)
    signal.signal(signal.SIGTERM, raise_stop)
    signal.signal(signal.SIGHUP, raise_stop)
    os.environ["PGREEVE_BIN"] = str(BUILD / "bin")
    if len(stages) > 1 and "chaos" not in stages:
        os.environ.setdefault("PGREEVE_QUERIES", SHORT_DIFFERENTIAL)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="pgreeve-test-"))
    run = Run(scratch)
    try:
        if run.build():
            for stage in stages:
                work: Callable[[], None] = getattr(run, stage)
                work()
            run.programs(run.pending)
    except (Stop, KeyboardInterrupt) as error:
        run.tally.fail(f"stopped: {error!r}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    run.say("results")
    for note in run.tally.notes:
        print(note)
    print(run.tally.line(), flush=True)
    return 0 if run.tally.failed == 0 and run.tally.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
