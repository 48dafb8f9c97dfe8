"""Are two answers equal, as docs define it for cross-shard queries?

The same column names and types, the same multiset of rows in Postgres' own text, order compared on
the ORDER BY keys only, floats within 1e-12 relative.
"""
import math

FLOATS = (700, 701)
RELATIVE = 1e-12
USER_TYPES_FROM = 16384


class Answer:
    """`columns` are (name, type oid); `rows` are tuples of text or None; or an error."""

    def __init__(self, columns=(), rows=(), sqlstate=None, message="", engine=""):
        self.columns = [tuple(column) for column in columns]
        self.rows = [tuple(row) for row in rows]
        self.sqlstate = sqlstate
        self.message = message
        self.engine = engine


def _same_value(a, b, is_float):
    if a == b:
        return True
    if a is None or b is None or not is_float:
        return False
    x, y = float(a), float(b)
    if math.isnan(x) or math.isnan(y):
        return math.isnan(x) and math.isnan(y)
    return x == y or abs(x - y) <= RELATIVE * max(abs(x), abs(y))


def _sort_key(row, floats):
    """Floats last, as numbers: near values sort alike on both sides."""
    exact = tuple((value is None, value or "") for i, value in enumerate(row) if i not in floats)
    near = tuple((value is None, float(value) if value is not None and value != "NaN" else 0.0)
                 for i, value in enumerate(row) if i in floats)
    return exact, near


def _rows_differ(ours, theirs, floats):
    for mine, other in zip(ours, theirs):
        for i, (a, b) in enumerate(zip(mine, other)):
            if not _same_value(a, b, i in floats):
                return "column %d: %r, Postgres says %r; row %r, Postgres says %r" % (i, a, b, mine, other)
    return None


def _portable(columns):
    """Types of the user's have another oid in every database."""
    return [(name, min(oid, USER_TYPES_FROM)) for name, oid in columns]


def difference(query, ours, theirs):
    """None when equal, else what differs."""
    if ours.sqlstate or theirs.sqlstate:
        if ours.sqlstate == theirs.sqlstate:
            return None
        return "error %s %s, Postgres says %s %s" % (ours.sqlstate, ours.message, theirs.sqlstate, theirs.message)
    if _portable(ours.columns) != _portable(theirs.columns):
        return "columns %r, Postgres says %r" % (ours.columns, theirs.columns)
    if len(ours.rows) != len(theirs.rows):
        return "%d rows, Postgres has %d" % (len(ours.rows), len(theirs.rows))
    if query.count_only:
        return None
    floats = {i for i, (_, oid) in enumerate(ours.columns) if oid in FLOATS}
    if query.total:
        return _rows_differ(ours.rows, theirs.rows, floats)
    found = _rows_differ(sorted(ours.rows, key=lambda row: _sort_key(row, floats)),
                         sorted(theirs.rows, key=lambda row: _sort_key(row, floats)), floats)
    if found or not query.keys:
        return found
    keys = [tuple(row[i] for i in query.keys) for row in ours.rows]
    others = [tuple(row[i] for i in query.keys) for row in theirs.rows]
    return None if keys == others else "the order of rows by ORDER BY keys"
