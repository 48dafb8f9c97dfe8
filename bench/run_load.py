#!/usr/bin/python3
"""The router beside PgBouncer and beside a bare forwarder, interleaved in one run.

Every round measures every subject once, so all of them meet the same noise; what is compared is CPU
per query of the proxy, which does not depend on how many cores the others took. README.md says what a
fair number is. Prints markdown; bench/RESULTS.md keeps runs with the command that made them.
"""

from __future__ import annotations

import argparse
import datetime
import os
import pathlib
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench"))
sys.path.insert(0, str(ROOT / "tools"))

from fleet_lib.account import Account, FleetError  # noqa: E402
from load_lib import stages  # noqa: E402
from load_lib.measure import BenchError, check_build  # noqa: E402
from load_lib.programs import pgbouncer_version  # noqa: E402
from load_lib.real_fleet import real_fleet  # noqa: E402
from load_lib.report import machine_facts, table  # noqa: E402
from load_lib.subjects import Rig  # noqa: E402

STAGES = ("cpu", "syscalls", "instructions", "memory", "bulk", "pgbench")
TITLES = {"cpu": "CPU per query", "syscalls": "System calls per query",
          "instructions": "User instructions per query, event loop only (16 clients, callgrind)",
          "memory": "Memory per idle client", "bulk": "Bulk rows (one client, 1 MB a query)",
          "pgbench": "pgbench -S against a real shard"}
IDLE_CLIENTS = (1_000, 5_000)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run_load.py", description=__doc__.split("\n\n")[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "release" / "bin",
                        help="folder of the release build's programs")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 16, 64, 300])
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--without-router", action="store_true", help="only the peers")
    parser.add_argument("--output", type=pathlib.Path, help="append to this file as well")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def facts(arguments: argparse.Namespace, pgbouncer: pathlib.Path) -> str:
    rows = [(what, value) for what, value in machine_facts()]
    programs = ["null_backend", "forwarder", "load"]
    programs += [] if arguments.without_router else ["pgreeve-router"]
    for name in programs:
        rows.append((name, check_build(arguments.bin / name)))
    rows.append((pgbouncer_version(pgbouncer), check_build(pgbouncer)))
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], text=True,
                            capture_output=True, check=False).stdout.strip()
    rows.append(("commit", commit or "unknown"))
    return table(["", ""], rows) + "\n"


def run_stage(stage: str, arguments: argparse.Namespace, rig: Rig) -> str:
    router = not arguments.without_router
    if stage == "instructions":
        return stages.instructions(rig, router, say)
    if stage == "pgbench":
        return real_fleet(rig, router, arguments.rounds, say)
    subjects = rig.subjects(router)
    if stage == "cpu":
        cells = stages.measure_cpu(rig, subjects, arguments.clients, arguments.rounds, say)
        text = stages.cpu_report(cells, subjects)
    elif stage == "syscalls":
        text = stages.system_calls(rig, subjects, arguments.clients[:3], say)
    elif stage == "memory":
        idle = [s for s in subjects if not s.query and s.name != "direct"]
        text = stages.memory(rig, idle, IDLE_CLIENTS, say)
    else:
        text = stages.bulk(rig, subjects, arguments.rounds, say)
    rig.stop_proxies()
    return text


def main(argv: list[str]) -> int:
    arguments = parse(argv)
    pgbouncer = pathlib.Path(os.environ.get("BENCH_PGBOUNCER") or shutil.which("pgbouncer")
                             or "/usr/sbin/pgbouncer")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    account = Account.choose()
    command = shlex.join(["bench/run_load.py", *argv])
    parts = [f"## {datetime.date.today()}\n\n```\n{command}\n```\n\n{facts(arguments, pgbouncer)}"]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pgreeve-bench-"))
    account.own(folder, 0o700)
    rig = Rig(arguments.bin.resolve(), pgbouncer, folder, account)
    try:
        for stage in arguments.stages:
            parts.append(f"### {TITLES[stage]}\n\n{run_stage(stage, arguments, rig)}")
    finally:
        rig.stop_all()
        print("".join(parts), flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    if arguments.output:
        with arguments.output.open("a", encoding="utf-8") as file:
            file.write("\n" + "".join(parts))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BenchError, FleetError) as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
