"""What a process costs: CPU time, memory, system calls; and whether a program may be measured."""

from __future__ import annotations

import pathlib
import re
import signal
import subprocess
import time

READ_SECONDS = 60


class BenchError(Exception):
    """Something that the person at the terminal has to know; printed without a traceback."""


def cpu_nanoseconds(pid: int) -> int:
    """Run time of all threads. Finer than utime and stime, which count ticks of 10 ms."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
        except OSError:
            continue  # the thread has ended
    return total


def resident_kib(pid: int) -> int:
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise BenchError(f"no VmRSS of process {pid}")
    return int(found[1])


def build_flags(program: pathlib.Path) -> str:
    """The compiler's flags, from the program's own debug information; "" when it has none."""
    done = subprocess.run(["readelf", "--debug-dump=info", "--dwarf-depth=1", program], text=True,
                          capture_output=True, check=False, errors="replace")
    producers = set(re.findall(r"DW_AT_producer.*?: (?:\(.*?\): )?(.*)", done.stdout))
    ours = {p for p in producers if "GNU C" in p or "GNU GIMPLE" in p or "clang" in p}
    flags = {" ".join(w for w in p.split() if re.match(r"-O|-fsanitize|-flto|-fltrans|-fno-fat", w))
             for p in ours}
    return "; ".join(sorted(flags - {""}))


def check_build(program: pathlib.Path) -> str:
    """The flags that count, for the report. An unoptimised peer once looked twice as slow as it is,
    and a sanitizer makes everything wrong: neither is measured."""
    libraries = subprocess.run(["ldd", program], text=True, capture_output=True, check=False).stdout
    flags = build_flags(program)
    if "libasan" in libraries or "libubsan" in libraries or "libtsan" in libraries or (
            "-fsanitize" in flags):
        raise BenchError(f"{program} is built with a sanitizer; build preset release")
    if flags and not re.search(r"-O[23s]", flags):
        raise BenchError(f"{program} is not optimised ({flags}); build preset release")
    if flags and re.search(r"-O(0|1|g)\b", flags):
        raise BenchError(f"{program} has unoptimised parts ({flags}); build preset release")
    if flags:
        return flags
    owner = subprocess.run(["dpkg", "-S", program.resolve()], text=True, capture_output=True,
                           check=False).stdout.split(":")[0]
    if not owner:
        raise BenchError(f"{program} has no debug information that tells its build flags, and is of "
                         "no Debian package; build it with -O2 -g")
    version = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", owner], text=True,
                             capture_output=True, check=False).stdout
    return f"Debian package {owner} {version}"


class SystemCalls:
    """strace -c attached to a process; leave the block to get the counts."""

    def __init__(self, pid: int, folder: pathlib.Path) -> None:
        self._pid = pid
        self._file = folder / f"strace.{pid}"
        self.counts: dict[str, int] = {}

    def __enter__(self) -> "SystemCalls":
        self._strace = subprocess.Popen(
            ["strace", "-c", "-f", "-q", "-o", self._file, "-p", str(self._pid)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + READ_SECONDS
        while not self._attached():
            if self._strace.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"strace cannot attach: {self._strace.communicate()[1]}")
            time.sleep(0.02)
        return self

    def _attached(self) -> bool:
        states = [(task / "status").read_text(encoding="ascii")
                  for task in pathlib.Path(f"/proc/{self._pid}/task").iterdir()]
        return all(f"TracerPid:\t{self._strace.pid}\n" in state for state in states)

    def __exit__(self, *_: object) -> None:
        self._strace.send_signal(signal.SIGINT)
        self._strace.communicate(timeout=READ_SECONDS)
        for line in self._file.read_text(encoding="ascii", errors="replace").splitlines():
            fields = line.split()
            if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
                self.counts[fields[-1]] = int(fields[3])
        self._file.unlink()


def callgrind_instructions(files: list[pathlib.Path]) -> dict[str, int]:
    """Instructions by thread; the file of a thread ends in its number."""
    totals = {}
    for file in files:
        found = re.search(r"^(?:totals|summary): (\d+)",
                          file.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
        if found:
            totals[file.name.rpartition("-")[2]] = int(found[1])
    if not totals:
        raise BenchError("callgrind wrote no totals")
    return totals
