"""A Postgres cluster for one test run: initdb in a folder of its own, loopback only, gone at the end."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

BIN = pathlib.Path(os.environ.get("PGREEVE_PG_BIN", "/usr/lib/postgresql/15/bin"))


def as_postgres(command):
    """Postgres refuses to run as root: step down to user postgres then."""
    if os.geteuid() == 0:
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    return list(command)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """Superuser `postgres`; every other role needs a password (scram-sha-256)."""

    def __init__(self, settings=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pgreeve_scratch_"))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.port = free_port()
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8", "--no-sync")
        hba = "local all postgres trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(hba)
        options = {"port": self.port, "listen_addresses": "127.0.0.1", "fsync": "off",
                   "unix_socket_directories": self.folder, "max_prepared_transactions": 10}
        options.update(settings)
        flags = " ".join(f"-c {name}={value}" for name, value in options.items())
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-o", flags, "start")

    def _run(self, program, *args, **kwargs):
        command = as_postgres([str(BIN / program), *map(str, args)])
        done = subprocess.run(command, text=True, cwd="/tmp", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **kwargs)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed:\n{done.stdout}")

    def dsn(self, database="postgres", user="postgres", password="postgres"):
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def close(self):
        try:
            self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
