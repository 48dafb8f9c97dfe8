"""The measurements of a run against the null backend. Each returns a piece of markdown."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Sequence

from .load_process import LoadProcess
from .measure import SystemCalls, callgrind_instructions, cpu_nanoseconds, resident_kib
from .programs import Program
from .report import ratio, spread, table
from .subjects import MODES, Rig, Subject

Say = Callable[[str], None]

QUERIES_ONE_CLIENT = 8_000
QUERIES = 30_000
QUERIES_TRACED = 8_000
QUERIES_CALLGRIND = (1_000, 5_000)
BULK_QUERIES = 300
BULK_MODE = "bulk"
CLIENTS_CALLGRIND = 16
WARM_UP = 20  # queries of each client


@dataclasses.dataclass
class Cell:
    """One subject, one mode, one number of clients; microseconds of CPU per query, one per round."""

    proxy: list[float] = dataclasses.field(default_factory=list)
    backend: list[float] = dataclasses.field(default_factory=list)
    load: list[float] = dataclasses.field(default_factory=list)
    qps: list[float] = dataclasses.field(default_factory=list)


Cells = dict[tuple[str, int, str], Cell]


def run_once(rig: Rig, subject: Subject, mode: str, clients: int, cell: Cell) -> None:
    queries = QUERIES_ONE_CLIENT if clients == 1 else QUERIES
    with LoadProcess(rig.binaries / "load", subject.address, clients, mode, subject.query) as load:
        load.run(max(clients * WARM_UP, 1_000))
        pids = (subject.program.pid, rig.backend.pid, load.pid)
        before = [cpu_nanoseconds(pid) for pid in pids]
        result = load.run(queries)
        after = [cpu_nanoseconds(pid) for pid in pids]
    subject.program.check()
    costs = [(b - a) / queries / 1000 for a, b in zip(before, after, strict=True)]
    cell.proxy.append(costs[0])
    cell.backend.append(costs[1])
    cell.load.append(costs[2])
    cell.qps.append(float(result["qps"]))


def measure_cpu(rig: Rig, subjects: Sequence[Subject], clients: Sequence[int], rounds: int, say: Say
                ) -> Cells:
    cells: Cells = collections.defaultdict(Cell)
    for number in range(rounds):
        say(f"CPU per query: round {number + 1} of {rounds}")
        turned = [*subjects[number % len(subjects):], *subjects[:number % len(subjects)]]
        for mode in MODES:
            for count in clients:
                for subject in turned:
                    if mode in subject.modes:
                        run_once(rig, subject, mode, count, cells[mode, count, subject.name])
    return cells


def cpu_report(cells: Cells, subjects: Sequence[Subject]) -> str:
    names = [subject.name for subject in subjects if subject.name != "direct"]
    keys = sorted({(mode, count) for mode, count, _ in cells}, key=lambda k: (MODES.index(k[0]), k[1]))
    rows = []
    for mode, count in keys:
        row = [f"{mode} {count}"]
        row += [spread(cells[mode, count, name].proxy) if (mode, count, name) in cells else "–"
                for name in names]
        rows.append(row)
    text = "µs of CPU of the proxy per query, median [min..max]:\n\n"
    text += table(["mode, clients", *names], rows) + "\n"
    ours = [name for name in names if name.startswith("pgreeve")]
    rows = []
    for mode, count in keys:
        row = [f"{mode} {count}"]
        for name in ours:
            for peer in ("pgbouncer", "forwarder"):
                both = ((mode, count, name), (mode, count, peer))
                row.append(ratio(cells[both[0]].proxy, cells[both[1]].proxy)
                           if all(key in cells for key in both) else "–")
        rows.append(row)
    if ours:
        head = [f"{name} / {peer}" for name in ours for peer in ("pgbouncer", "forwarder")]
        text += "Ratios (median of the rounds' ratios):\n\n"
        text += table(["mode, clients", *head], rows) + "\n"
    return text + _whole_report(cells, subjects, keys)


def _whole_report(cells: Cells, subjects: Sequence[Subject], keys: Sequence[tuple[str, int]]) -> str:
    chosen = next((key for key in keys if key[0] == "simple" and key[1] == 16), keys[0])
    rows = []
    for subject in subjects:
        cell = cells.get((*chosen, subject.name))
        if cell is not None:
            proxy = "–" if subject.name == "direct" else spread(cell.proxy)
            rows.append([subject.name, proxy, spread(cell.backend), spread(cell.load),
                         spread(cell.qps, 0)])
    return (f"Each process at {chosen[0]} {chosen[1]}, µs of CPU per query (queries per second only "
            "tell what else ran):\n\n"
            + table(["", "proxy", "null backend", "load generator", "queries/s"], rows) + "\n")


def system_calls(rig: Rig, subjects: Sequence[Subject], clients: Sequence[int], say: Say) -> str:
    say("system calls per query")
    rows = []
    for subject in subjects:
        for mode in MODES:
            for count in clients:
                if mode not in subject.modes or subject.name == "direct":
                    continue
                with LoadProcess(rig.binaries / "load", subject.address, count, mode, subject.query
                                 ) as load:
                    load.run(max(count * WARM_UP, 1_000))
                    with SystemCalls(subject.program.pid, rig.folder) as calls:
                        load.run(QUERIES_TRACED)
                parts = sorted(calls.counts.items(), key=lambda item: -item[1])
                text = ", ".join(f"{name} {calls_made / QUERIES_TRACED:.2f}"
                                 for name, calls_made in parts
                                 if calls_made / QUERIES_TRACED >= 0.005)
                total = sum(calls.counts.values()) / QUERIES_TRACED
                rows.append([subject.name, f"{mode} {count}", f"{total:.2f}", text])
    return table(["", "mode, clients", "calls per query", "of them"], rows) + "\n"


def _instructions(rig: Rig, start: Callable[[tuple[str, ...]], Program],
                  describe: Callable[[Program], Subject], mode: str, queries: int
                  ) -> dict[str, int]:
    stem = rig.folder / f"callgrind.{mode}.{queries}"
    for old in rig.folder.glob(stem.name + "*"):
        old.unlink()
    program = start(("valgrind", "--tool=callgrind", "--separate-threads=yes",
                     f"--callgrind-out-file={stem}"))
    try:
        subject = describe(program)
        with LoadProcess(rig.binaries / "load", subject.address, CLIENTS_CALLGRIND, mode, subject.query
                         ) as load:
            load.run(queries)
    finally:
        rig.stop(program)
    return callgrind_instructions(sorted(rig.folder.glob(stem.name + "*")))


def instructions(rig: Rig, with_router: bool, say: Say) -> str:
    """The difference of two runs: start, logins and caches cancel out. Of the thread that differs
    most, the event loop: the others' work is the clock's, and valgrind stretches the time."""
    starts: list[tuple[Callable[[tuple[str, ...]], Program], Callable[[Program], Subject]]] = [
        (rig.bouncer, rig.bouncer_subject)]
    if with_router:
        starts += [(rig.router, lambda program, at=at: rig.router_subjects(program)[at])  # type: ignore[misc]
                   for at in range(3)]
    few, many = QUERIES_CALLGRIND
    rows = []
    for start, describe in starts:
        example = describe(rig.backend)
        row = [example.name]
        for mode in MODES:
            if mode not in example.modes:
                row.append("–")
                continue
            say(f"instructions per query: {example.name}, {mode}")
            counts = [_instructions(rig, start, describe, mode, queries) for queries in (few, many)]
            most = max(after - counts[0].get(thread, 0) for thread, after in counts[1].items())
            row.append(f"{most / (many - few):,.0f}")
        rows.append(row)
    return table(["", *MODES], rows) + "\n"


def memory(rig: Rig, subjects: Sequence[Subject], counts: Sequence[int], say: Say) -> str:
    """Fresh processes: one that has served a load keeps what it had."""
    say("memory per idle client")
    rows = []
    for subject in subjects:
        base = resident_kib(subject.program.pid)
        row = [subject.name, f"{base / 1024:.1f}"]
        with LoadProcess(rig.binaries / "load", subject.address, 1, "simple", idle=1) as load:
            for count in counts:
                load.open(count)
                row.append(f"{(resident_kib(subject.program.pid) - base) / count:.2f}")
        rows.append(row)
    return table(["", "MiB at the start", *[f"KiB per client at {count:,}" for count in counts]],
                 rows) + "\n"


def bulk(rig: Rig, subjects: Sequence[Subject], rounds: int, say: Say) -> str:
    say("bulk rows")
    costs: dict[str, list[float]] = collections.defaultdict(list)
    for _ in range(rounds):
        for subject in subjects:
            if subject.query:
                continue
            with LoadProcess(rig.binaries / "load", subject.address, 1, "simple",
                             "SELECT bulk FROM pgbench_accounts") as load:
                load.run(5)
                before = cpu_nanoseconds(subject.program.pid)
                result = load.run(BULK_QUERIES)
                after = cpu_nanoseconds(subject.program.pid)
            megabytes = result["received_bytes"] / 1e6
            costs[subject.name].append((after - before) / 1e6 / megabytes)
    return table(["", "ms of CPU per MB"],
                 [[name, spread(values, 2)] for name, values in costs.items()
                  if name != "direct"]) + "\n"
