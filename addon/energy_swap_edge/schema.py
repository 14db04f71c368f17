"""The tables of the edge's database, as scripts that bring a file from one version to the next."""

import sqlite3
from typing import Final

_FIRST: Final = """
    CREATE TABLE frame (
        id INTEGER PRIMARY KEY,
        sequence INTEGER NOT NULL,
        measured_at INTEGER NOT NULL,
        export_wh INTEGER NOT NULL,
        import_wh INTEGER NOT NULL,
        generation_wh INTEGER NOT NULL,
        flags INTEGER NOT NULL,
        frame BLOB NOT NULL,
        outcome TEXT,  -- NULL: not yet at the hub; else the hub's word, or 'before_application'
        reason TEXT
    );
    -- The broker may deliver a frame twice; eight bytes of the signature tell frames of one sequence apart.
    CREATE UNIQUE INDEX frame_once ON frame (sequence, substr(frame, 81, 8));
    CREATE INDEX frame_waiting ON frame (sequence) WHERE outcome IS NULL;
    CREATE INDEX frame_time ON frame (measured_at);
    CREATE TABLE message (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        purpose TEXT NOT NULL,
        envelope BLOB NOT NULL,
        outcome TEXT,  -- NULL: not yet answered; else 'done' or 'refused'
        answer TEXT
    );
    CREATE INDEX message_waiting ON message (number) WHERE outcome IS NULL;
    CREATE TABLE client (
        token_hash TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        paired_at INTEGER NOT NULL
    );
    CREATE TABLE note (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    );
"""

# Of the meter: quarters of an hour for ever, rolled up from frames. Of the hub: own periods with money, trades
# beside them, everybody's prices. ``revision`` counts how often what was kept turned out otherwise.
_HISTORY: Final = """
    CREATE TABLE progress (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO progress SELECT 'roll_up_from', min(measured_at) FROM frame HAVING count(*) > 0;
    CREATE TABLE quarter (
        start INTEGER PRIMARY KEY,
        export_wh INTEGER NOT NULL,
        import_wh INTEGER NOT NULL,
        generation_wh INTEGER NOT NULL,
        is_estimated INTEGER NOT NULL,  -- a gap in the readings was longer than a few minutes
        revision INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    );
    CREATE TABLE settled (
        start INTEGER PRIMARY KEY,
        minutes INTEGER NOT NULL,
        export_wh INTEGER NOT NULL,
        import_wh INTEGER NOT NULL,
        generation_wh INTEGER NOT NULL,
        sold_wh INTEGER NOT NULL,
        bought_wh INTEGER NOT NULL,
        own_wh INTEGER NOT NULL,
        earned_cents INTEGER NOT NULL,
        paid_cents INTEGER NOT NULL,
        grid_wh INTEGER NOT NULL,
        grid_cents INTEGER NOT NULL,
        retail_cents_per_kwh INTEGER NOT NULL,  -- the tariff when the edge first heard of the period
        revision INTEGER NOT NULL,
        changed_at INTEGER NOT NULL
    );
    CREATE TABLE own_trade (
        at INTEGER NOT NULL,
        market TEXT NOT NULL,
        wh INTEGER NOT NULL,
        cents INTEGER NOT NULL,
        retail_cents_per_kwh INTEGER NOT NULL
    );
    CREATE INDEX own_trade_time ON own_trade (at);
    CREATE TABLE price (
        start INTEGER PRIMARY KEY,
        minutes INTEGER NOT NULL,
        cents_per_kwh INTEGER,
        traded_wh INTEGER NOT NULL,
        supply_wh INTEGER NOT NULL,
        demand_wh INTEGER NOT NULL
    );
    CREATE TABLE event (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        source TEXT NOT NULL UNIQUE,  -- so that what is told twice is one event
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        data TEXT NOT NULL
    );
    CREATE TABLE decision (
        id INTEGER PRIMARY KEY,
        subject TEXT NOT NULL UNIQUE,  -- what it decides, so that a restart does not decide it again
        at INTEGER NOT NULL,
        strategy TEXT NOT NULL,
        kind TEXT NOT NULL,
        sentence TEXT NOT NULL,
        numbers TEXT NOT NULL,
        cents INTEGER NOT NULL,  -- the most that it can cost
        message TEXT,
        envelope BLOB,
        outcome TEXT,  -- NULL: under way; else done, refused, expired
        answer TEXT
    );
    CREATE INDEX decision_time ON decision (at);
    CREATE TABLE simulation (
        strategy TEXT PRIMARY KEY,
        at INTEGER NOT NULL,
        result TEXT NOT NULL
    );
"""

# What became tokens of what was exported; unknown of what an older hub told, which is asked for again.
_MINTED: Final = """
    ALTER TABLE settled ADD COLUMN minted_wh INTEGER;
    DELETE FROM progress WHERE name = 'settled_until';
"""

# A decision's reason for programs that say it in other words, which decisions of before do not have.
_BECAUSE: Final = """
    ALTER TABLE decision ADD COLUMN because TEXT NOT NULL DEFAULT '[]';
"""

# So that the owner sees who is paired and takes somebody's token away.
_CLIENTS: Final = """
    ALTER TABLE client ADD COLUMN seen_at INTEGER;  -- NULL: not yet
    ALTER TABLE client ADD COLUMN revoked_at INTEGER;  -- NULL: it is paired
    ALTER TABLE client ADD COLUMN revoked_by TEXT;
"""

# `migrate` runs those that a file has not seen, in order; a script is never altered after it was released.
_SCRIPTS: Final = (_FIRST, _HISTORY, _MINTED, _BECAUSE, _CLIENTS)


def migrate(db: sqlite3.Connection, name: str) -> None:
    """Bring the database to today's version; raises `sqlite3.DatabaseError` for one of a newer edge."""
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > len(_SCRIPTS):
        raise sqlite3.DatabaseError(
            f"{name} was written by a newer Energy Swap (schema {version}); install that version or newer"
        )
    for number, script in enumerate(_SCRIPTS[version:], start=version + 1):
        db.executescript(f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {number}; COMMIT;")
