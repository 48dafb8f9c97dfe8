#!/usr/bin/python3
"""Generated analytic queries: the router's answers against one Postgres that holds all rows.

  run.py --router DSN --single DSN [--count 2000] [--seed S]     through a router
  run.py --offline PROGRAM [--count 2000] [--seed S]             without one: PROGRAM is scatter_offline

Prints equal / refused / different; ends with status 1 when anything differs.
"""
import argparse
import collections
import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import psycopg

import dataset
from compare import Answer, difference
from generator import Generator, Query

OFFLINE_NOW = "'2015-09-15 12:34:56.789+00'::timestamptz"  # as scatter_offline pins it


class Database:
    """Asks in the extended protocol with text results, nothing converted."""

    def __init__(self, dsn, pin_now=False):
        self.connection = psycopg.connect(dsn, autocommit=True)
        self.connection.execute("SET TimeZone TO 'UTC'")
        self.pin_now = pin_now

    def ask(self, query):
        sql = query.sql
        if self.pin_now:
            sql = re.sub(r"\bnow\(\)", OFFLINE_NOW, sql)
            sql = re.sub(r"\bcurrent_date\b", "(%s)::date" % OFFLINE_NOW, sql)
            sql = re.sub(r"\blocaltimestamp\b", "(%s)::timestamp" % OFFLINE_NOW, sql)
        result = self.connection.pgconn.exec_params(
            sql.encode(), [None if value is None else value.encode() for value in query.params])
        if result.status not in (psycopg.pq.ExecStatus.TUPLES_OK, psycopg.pq.ExecStatus.COMMAND_OK):
            field = psycopg.pq.DiagnosticField
            detail = result.error_field(field.MESSAGE_DETAIL) or b""
            return Answer(sqlstate=(result.error_field(field.SQLSTATE) or b"?????").decode(),
                          message=(result.error_field(field.MESSAGE_PRIMARY) or b"").decode() + " " + detail.decode())
        columns = [(result.fname(i).decode(), result.ftype(i)) for i in range(result.nfields)]
        rows = [tuple(None if (value := result.get_value(row, i)) is None else value.decode()
                      for i in range(result.nfields)) for row in range(result.ntuples)]
        return Answer(columns, rows)


class Offline:
    """scatter_offline as a child: one JSON line each way."""

    def __init__(self, program, dsns):
        self.tables = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(dataset.TABLES, self.tables)
        self.tables.flush()
        self.child = subprocess.Popen([program, self.tables.name, dsns["combiner"]] + dsns["shards"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, query):
        self.child.stdin.write(json.dumps({"sql": query.sql, "params": query.params}) + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        if not line:
            raise RuntimeError("scatter_offline died at: " + query.sql)
        report = json.loads(line)
        if report["status"] == "ok":
            return Answer(report["columns"], report["rows"], engine=report["engine"])
        return Answer(sqlstate=report["sqlstate"], message=report["message"] + " " + report["detail"])

    def close(self):
        self.child.stdin.close()
        self.child.wait()
        self.tables.close()


def queries(options):
    """The written cases, then the generated ones."""
    for line in pathlib.Path(__file__).with_name("cases.sql").read_text().splitlines():
        if line and not line.startswith("--"):
            yield Query(line, [], [])
    generator = Generator(options.seed, options.weights)
    for _ in range(options.count):
        yield generator.next()


def compare(options, router, single):
    counts, codes, engines, different = collections.Counter(), collections.Counter(), collections.Counter(), 0
    started = time.monotonic()
    for number, query in enumerate(queries(options)):
        ours = router.ask(query)
        if ours.sqlstate == "0A000" and (code := re.search(r"PR-\d+", ours.message)):
            counts["refused"] += 1
            codes[code.group()] += 1
            if options.verbose:
                print("refused %s: %s" % (ours.message, query.sql))
            continue
        found = difference(query, ours, single.ask(query))
        engines[ours.engine or ("error" if ours.sqlstate else "router")] += 1
        if found is None:
            counts["equal"] += 1
            continue
        different += 1
        print("DIFFERENT query %d of seed %d: %s\n  params %r\n  %s" % (number, options.seed, query.sql, query.params, found))
        if different >= options.differences_max:
            break
    print("seed %d, %d queries in %.1f s" % (options.seed, sum(counts.values()) + different, time.monotonic() - started))
    print("engines: " + ", ".join("%s %d" % item for item in engines.most_common()))
    print("refusals: " + ", ".join("%s %d" % item for item in codes.most_common()))
    print("equal %d / refused %d / different %d" % (counts["equal"], counts["refused"], different))
    return 1 if different or not counts["equal"] else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--router", help="DSN of the router, as an operator")
    parser.add_argument("--single", help="DSN of one Postgres with all rows")
    parser.add_argument("--offline", metavar="PROGRAM", help="scatter_offline of a build folder")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--weights", help="default: weights.json beside this file")
    parser.add_argument("--differences-max", type=int, default=20)
    parser.add_argument("--verbose", action="store_true", help="print what is refused")
    options = parser.parse_args()
    if options.offline is None:
        if not options.router or not options.single:
            parser.error("--router and --single, or --offline")
        return compare(options, Database(options.router), Database(options.single))
    with dataset.cluster() as dsns:
        dataset.load(dsns, options.seed)
        with contextlib.closing(Offline(options.offline, dsns)) as offline:
            single = Database(dsns["single"], pin_now=True)
            status = compare(options, offline, single)
            single.connection.close()
    return status


if __name__ == "__main__":
    sys.exit(main())
