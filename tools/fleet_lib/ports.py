"""Free TCP ports on loopback."""

from __future__ import annotations

import random
import socket

from .account import FleetError

# Below the kernel's usual ephemeral range, so that no outgoing connection takes one in between.
LOWEST = 10_000
HIGHEST = 31_000
ATTEMPTS = 200


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def block(count: int, base: int | None = None) -> list[int]:
    """`count` free neighbours: from `base`, or wherever there is room."""
    if base is not None:
        taken = [port for port in range(base, base + count) if not is_free(port)]
        if taken:
            raise FleetError(f"ports in use: {', '.join(map(str, taken))}; choose another --port-base")
        return list(range(base, base + count))
    for _ in range(ATTEMPTS):
        start = random.randrange(LOWEST, HIGHEST - count)
        if all(is_free(port) for port in range(start, start + count)):
            return list(range(start, start + count))
    raise FleetError(f"found no {count} free neighbouring ports")
