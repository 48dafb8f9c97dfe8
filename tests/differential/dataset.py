"""A scratch Postgres cluster with the same rows twice: spread over four databases, and in one.

Rows are made of a seed: skewed tenants, null and absent fields, negative numbers, numerics of many
digits, NaN, names that occur twice, texts beyond ASCII.
"""
import contextlib
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import tempfile
import uuid

import psycopg

BINARIES = pathlib.Path("/usr/lib/postgresql/15/bin")
SHARDS = 4
TABLES = [
    {"name": "customers", "tenant_column": "id", "columns": ["id", "name", "tier", "created_at"]},
    {"name": "events", "tenant_column": "customer_id",
     "columns": ["id", "customer_id", "event_type", "payload", "created_at"]},
]
SCHEMA = """
CREATE TABLE customers (id uuid PRIMARY KEY, name text NOT NULL, tier text NOT NULL,
                        created_at timestamptz NOT NULL);
CREATE TABLE events (id uuid NOT NULL, customer_id uuid NOT NULL, event_type text NOT NULL,
                     payload jsonb, created_at timestamptz NOT NULL, PRIMARY KEY (customer_id, id));
"""
NAMES = ["Zoë", "zoe", "Ann", "ann", "Ann", "Ænima", "O'Neil", "", "Łukasz", "x y", "Émile", "bot 7", "Bot 7"]


def _run(*command):
    """As the user postgres when this is root: Postgres refuses root."""
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run(prefix + [str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def cluster():
    """Yields DSNs: {"single": …, "shards": [...], "combiner": …}; the cluster ends with the block."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pgreeve-differential-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        data, port = folder / "data", _free_port()
        _run(BINARIES / "initdb", "-D", data, "-U", "pgreeve", "-A", "trust", "--no-sync", "-E", "UTF8",
             "--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")
        options = ("-p %d -h 127.0.0.1 -k %s -c fsync=off -c timezone=UTC -c jit=off -c shared_buffers=32MB"
                   % (port, folder))
        _run(BINARIES / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
        try:
            base = "host=127.0.0.1 port=%d user=pgreeve dbname=" % port
            names = ["single"] + ["shard%d" % i for i in range(SHARDS)]
            with psycopg.connect(base + "postgres", autocommit=True) as connection:
                for name in names:
                    connection.execute("CREATE DATABASE " + name)
            yield {"single": base + "single", "shards": [base + name for name in names[1:]],
                   "combiner": base + names[-1]}
        finally:
            _run(BINARIES / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _payload(source):
    if source.random() < 0.01:
        return None
    delta = int(source.gauss(20, 300))
    payload = {
        "page": source.choice(["Talk:", "User:", "", "Main ", "ß"]) + source.choice(NAMES) + str(source.randrange(60)),
        "user": source.choice(NAMES), "namespace": source.choice(["Main", "User", "Talk", "Wikipedia"]),
        "comment": source.choice(["", "added", "tab\there", "line\nbreak", 'quote " and \\ slash', "{a,b}"]),
        "delta": delta, "added": max(delta, 0), "deleted": max(-delta, 0),
        "isRobot": source.random() < 0.4, "isMinor": source.random() < 0.3, "isNew": source.random() < 0.1,
    }
    if source.random() < 0.06:
        payload["delta"] = None
    if source.random() < 0.04:
        del payload["added"]
    if source.random() < 0.1:
        payload["ratio"] = source.choice([source.random(), source.random() * 1e10, 1e-7])
    if source.random() < 0.1:
        payload["wild"] = source.choice([
            "-0.5", "12345678901234567890.123456789", "1e-20", "0.10", "-99999999999999999999", "7"])
    if source.random() < 0.0005:
        payload["wild"] = source.choice(["NaN", "Infinity"])
    return json.dumps(payload)


def rows(seed, tenants=160, events=5000):
    """(customers, events) as tuples of text; the tenant's index says its shard."""
    source = random.Random(seed)
    customers, facts = [], []
    for i in range(tenants):
        tier = source.choices(["enterprise", "business", "starter"], [1, 5, 20])[0]
        customers.append((str(uuid.UUID(int=source.getrandbits(128))), source.choice(NAMES) + source.choice(["", "!"]),
                          tier, "2015-%02d-%02d 00:00:00+00" % (source.randrange(1, 10), source.randrange(1, 28))))
    for _ in range(events):
        tenant = min(int(source.expovariate(0.06)), tenants - 1)
        moment = "2015-09-%02d %02d:%02d:%02d.%03d+00" % (
            source.randrange(9, 14), source.randrange(24), source.randrange(60), source.randrange(60),
            source.randrange(1000))
        facts.append((str(uuid.UUID(int=source.getrandbits(128))), customers[tenant][0],
                      source.choice(["#en.wikipedia", "#de.wikipedia", "#fr.wikipedia", "#ru.wikipedia", "#commons"]),
                      _payload(source), moment))
    return customers, facts


def _fill(dsn, customers, facts):
    with psycopg.connect(dsn) as connection:
        connection.execute(SCHEMA)
        with connection.cursor().copy("COPY customers FROM STDIN") as copy:
            for row in customers:
                copy.write_row(row)
        with connection.cursor().copy("COPY events FROM STDIN") as copy:
            for row in facts:
                copy.write_row(row)
        connection.execute("ANALYZE")


def load(dsns, seed):
    """Uneven shards: the last one holds no tenant at all."""
    customers, facts = rows(seed)
    shard_of = {row[0]: [0, 0, 0, 1, 1, 2][i % 6] for i, row in enumerate(customers)}
    _fill(dsns["single"], customers, facts)
    for shard, dsn in enumerate(dsns["shards"]):
        _fill(dsn, [row for row in customers if shard_of[row[0]] == shard],
              [row for row in facts if shard_of[row[1]] == shard])
