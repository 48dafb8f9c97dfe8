"""The fleets that tests run against: started when first asked for, always stopped."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from fleet_lib.fleet import Fleet  # noqa: E402
from fleet_lib.state import Options  # noqa: E402

# What a test names in its FLEET constant. "none": it needs no fleet. "own": it brings up its own.
KINDS = {
    "plain": Options(nodes=2, load=False),
    "text": Options(nodes=1, routers=1, load=False, tenant_type="text", auto_provision=True),
    "demo": Options(),
    "faults": Options(nodes=2, load=False),
}

# What sanitizers and aborts leave in a router's log.
ALARM = re.compile(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|"
                   r"terminate called|Assertion .* failed|Aborted|Segmentation)")


class TestFleet:
    """One running fleet in a temporary folder."""

    __test__ = False

    def __init__(self, kind: str) -> None:
        self.kind = kind
        # mkdtemp's folder is closed to others; Postgres may run as another account.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"pgreeve-{kind}-"))
        self.fleet = Fleet(self.folder, lambda text: print(f"  {text}", flush=True))

    def up(self) -> None:
        self.fleet.up(KINDS[self.kind])

    def alarms(self) -> list[str]:
        """Lines of the routers' and rebalancers' logs that no log may hold."""
        found = []
        for path in sorted((self.fleet.store / "log").glob("r*.log")):
            text = path.read_text(encoding="utf-8", errors="replace")
            match = ALARM.search(text)
            if match:
                found.append(f"{path.name}: {text[match.start():match.start() + 4000]}")
        return found

    def close(self, keep: bool) -> list[str]:
        """Stops everything; what the logs complain about. Keeps the folder after a failure."""
        if self.fleet.state is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return []
        self.fleet.down()
        alarms = self.alarms()
        if keep or alarms:
            print(f"  kept for a look: {self.folder}", flush=True)
        else:
            self.fleet.remove()
        return alarms


def standing_in(folder: pathlib.Path) -> "subprocess.CompletedProcess[str]":
    """tools/fleet status of a folder, for messages."""
    return subprocess.run([ROOT / "tools" / "fleet", "status", "--dir", folder], check=False,
                          capture_output=True, text=True)
