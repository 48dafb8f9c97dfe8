#!/usr/bin/python3
"""Asks a real Postgres how it reads COPY data and writes the answers to a file for the unit test.

usage: make_copy_cases.py DSN COUNT SEED > tests/unit/router/wire/copy_text_cases.txt

One case a line: format, hex of the data, hex of the rows as JSON or the SQLSTATE. Formats are the
names in FORMATS below; the unit test has the same list. Needs Debian's python3-psycopg.
"""
import json
import random
import sys

import psycopg

FORMATS = {
    "text": "",
    "text_pipe": "DELIMITER '|', NULL ''",
    "text_header": "HEADER true",
    "csv": "FORMAT csv",
    "csv_header": "FORMAT csv, HEADER true",
    "csv_escape": "FORMAT csv, DELIMITER ';', ESCAPE '\\', NULL 'N'",
    "csv_quote": "FORMAT csv, QUOTE '''', NULL '\\N'",
}
PIECES = ["a", "b", "c", "d", "\\", "\\.", "\n", "\r", "\r\n", "\t", ",", ";", "|", '"', '""', "'",
          "N", "\\N", "\\N", "x", "1", "''", "\\n", "\\\\", '\\"', "\\x4", "\\x41", "\\7", "\\101", "\\0", "\\377", "\\xc3\\xa9", "é", "\\t", " ",
          ".", "\\.\n", "\n\\.\n", "\u20ac", "\\\n", "\\\r"]


def ask(connection, options, data):
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE lines")
        statement = "COPY lines (a, b) FROM STDIN" + (f" WITH ({options})" if options else "")
        try:
            with cursor.copy(statement) as copy:
                copy.write(data)
        except psycopg.Error as error:
            return error.sqlstate
        cursor.execute("SELECT a, b FROM lines ORDER BY id")
        return json.dumps(cursor.fetchall(), ensure_ascii=False).encode().hex()


def main():
    dsn, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rng = random.Random(seed)
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("CREATE TEMP TABLE lines (id bigserial, a text, b text)")
    print(f"# made by tests/support/make_copy_cases.py, seed {seed}, "
          f"PostgreSQL {connection.info.server_version // 10000}")
    for _ in range(count):
        name = rng.choice(list(FORMATS))
        delimiter = {"text": "\t", "text_header": "\t", "text_pipe": "|", "csv_escape": ";"}.get(name, ",")
        rows = []
        for _ in range(rng.randint(0, 4)):
            fields = ["".join(rng.choice(PIECES) for _ in range(rng.choice([0, 1, 1, 1, 2])))
                      for _ in range(rng.choice([2, 2, 2, 2, 2, 2, 1, 3]))]
            if name.startswith("csv") and rng.random() < 0.5:
                quote = "'" if name == "csv_quote" else '"'
                fields = [quote + field + quote for field in fields]
            rows.append(delimiter.join(fields))
        text = rng.choice(["\n", "\n", "\r\n", "\r"]).join(rows) + rng.choice(["", "\n", "\n\\.\n"])
        data = text.encode()
        if rng.random() < 0.03 and data:
            at = rng.randrange(len(data))
            data = data[:at] + bytes([rng.choice([0, 0x80, 0xff, 0xc3])]) + data[at + 1:]
        print(name, data.hex() or "-", ask(connection, FORMATS[name], data))


main()
