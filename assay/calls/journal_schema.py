"""The tables of a journal, and what a file of an earlier version lacks of them."""

from __future__ import annotations

import sqlite3

_ATTEMPTS = """
CREATE TABLE IF NOT EXISTS attempts (
    attempt INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('sent', 'answered', 'failed')),
    usd REAL NOT NULL,
    text TEXT, model TEXT, input_tokens INTEGER, output_tokens INTEGER, stop_reason TEXT,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE UNIQUE INDEX IF NOT EXISTS one_answer ON attempts (key) WHERE state = 'answered';
"""

_LATER_COLUMNS = {
    "tool_calls": "TEXT",
    "cached_tokens": "INTEGER",
    "written_tokens": "INTEGER",
    "batch": "INTEGER",
    "asker": "INTEGER",
}
"""Of attempts, in journals written since; older files gain them when they are opened."""

_REST = """
CREATE INDEX IF NOT EXISTS of_batch ON attempts (batch) WHERE batch IS NOT NULL;
CREATE INDEX IF NOT EXISTS under_way ON attempts (key) WHERE state = 'sent';
CREATE TABLE IF NOT EXISTS batches (
    batch INTEGER PRIMARY KEY,
    tag TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    job TEXT,
    done INTEGER NOT NULL DEFAULT 0,
    at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE TABLE IF NOT EXISTS askers (
    asker INTEGER PRIMARY KEY AUTOINCREMENT,
    process INTEGER NOT NULL,
    since TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%S UTC', 'now'))
);
CREATE TABLE IF NOT EXISTS totals (
    one INTEGER PRIMARY KEY CHECK (one = 1), requests INTEGER NOT NULL, usd REAL NOT NULL
);
CREATE TRIGGER IF NOT EXISTS count_sent AFTER INSERT ON attempts BEGIN
    UPDATE totals SET requests = requests + 1, usd = usd + NEW.usd;
END;
CREATE TRIGGER IF NOT EXISTS count_charged AFTER UPDATE OF usd ON attempts BEGIN
    UPDATE totals SET usd = usd + NEW.usd - OLD.usd;
END;
CREATE TRIGGER IF NOT EXISTS count_withdrawn AFTER DELETE ON attempts BEGIN
    UPDATE totals SET requests = requests - 1, usd = usd - OLD.usd;
END;
"""
"""totals: what the caps are held against, kept as attempts change; summing them anew takes the longer the more there
are. askers: processes that ask or did, see `journal_askers`."""


def prepare(database: sqlite3.Connection) -> None:
    """Two processes may do so at once. Raises sqlite3.DatabaseError."""
    database.executescript(_ATTEMPTS)
    database.execute("BEGIN IMMEDIATE")
    known = {row[1] for row in database.execute("PRAGMA table_info(attempts)")}
    for name, kind in _LATER_COLUMNS.items():
        if name not in known:
            database.execute(f"ALTER TABLE attempts ADD COLUMN {name} {kind}")
    database.execute("COMMIT")
    database.executescript(_REST)
    database.execute("INSERT OR REPLACE INTO totals (one, requests, usd) SELECT 1, count(*), total(usd) FROM attempts")
