"""The tables of the books, and the steps from the books of earlier versions."""

import sqlite3
from typing import Final

_FIRST: Final = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, cents INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS movement (
  number INTEGER PRIMARY KEY, receipt TEXT NOT NULL, kind TEXT NOT NULL,
  source TEXT NOT NULL, target TEXT NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0),
  at INTEGER NOT NULL, phone TEXT NOT NULL, reference TEXT NOT NULL,
  UNIQUE (receipt, kind));
CREATE INDEX IF NOT EXISTS movement_by_time ON movement (kind, at);
CREATE TABLE IF NOT EXISTS subscriber (
  phone TEXT PRIMARY KEY, name TEXT NOT NULL, behaviour TEXT NOT NULL, pin TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS prompt (
  checkout TEXT PRIMARY KEY, merchant TEXT NOT NULL, phone TEXT NOT NULL, kes INTEGER NOT NULL,
  reference TEXT NOT NULL, callback TEXT NOT NULL, behaviour TEXT NOT NULL, asked_at INTEGER NOT NULL,
  due_at INTEGER NOT NULL, code TEXT, description TEXT, receipt TEXT, ended_at INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS one_prompt_per_subscriber ON prompt (phone) WHERE code IS NULL;
CREATE TABLE IF NOT EXISTS payout (
  originator TEXT PRIMARY KEY, conversation TEXT NOT NULL, phone TEXT NOT NULL, kes INTEGER NOT NULL,
  is_initiator_true INTEGER NOT NULL, result_url TEXT NOT NULL, asked_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  code TEXT, receipt TEXT, ended_at INTEGER);
CREATE TABLE IF NOT EXISTS delivery (
  number INTEGER PRIMARY KEY, url TEXT NOT NULL, body BLOB NOT NULL, due_at INTEGER NOT NULL,
  attempted_at INTEGER, outcome TEXT);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_at) WHERE attempted_at IS NULL;
CREATE TABLE IF NOT EXISTS sms (
  number INTEGER PRIMARY KEY, phone TEXT NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sms_by_phone ON sms (phone, number);
"""

_SECOND: Final = """
CREATE TABLE task (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, due_at INTEGER NOT NULL);
CREATE INDEX task_due ON task (due_at, number);
INSERT INTO task (kind, subject, due_at) SELECT 'prompt', checkout, due_at FROM prompt WHERE code IS NULL;
INSERT INTO task (kind, subject, due_at) SELECT 'payout', originator, due_at FROM payout WHERE code IS NULL;
ALTER TABLE subscriber ADD COLUMN pin_failures INTEGER NOT NULL DEFAULT 0;
DROP INDEX one_prompt_per_subscriber;
CREATE INDEX open_prompt ON prompt (phone) WHERE code IS NULL;
ALTER TABLE prompt ADD COLUMN bound TEXT NOT NULL DEFAULT '';
ALTER TABLE payout ADD COLUMN bound TEXT NOT NULL DEFAULT '';
ALTER TABLE payout ADD COLUMN timeout_url TEXT NOT NULL DEFAULT '';
ALTER TABLE payout ADD COLUMN occasion TEXT NOT NULL DEFAULT '';
ALTER TABLE payout ADD COLUMN initiator_code TEXT NOT NULL DEFAULT '0';
UPDATE payout SET initiator_code = '2001' WHERE NOT is_initiator_true;
ALTER TABLE payout DROP COLUMN is_initiator_true;
ALTER TABLE delivery ADD COLUMN channel TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN manner TEXT NOT NULL DEFAULT '';
ALTER TABLE delivery ADD COLUMN answer BLOB;
CREATE TABLE menu_payment (
  number INTEGER PRIMARY KEY, phone TEXT NOT NULL, kes INTEGER NOT NULL, reference TEXT NOT NULL,
  receipt TEXT NOT NULL, asked_at INTEGER NOT NULL, code TEXT, third_party TEXT NOT NULL DEFAULT '',
  bound TEXT NOT NULL DEFAULT '');
CREATE TABLE inquiry (
  originator TEXT PRIMARY KEY, conversation TEXT NOT NULL, kind TEXT NOT NULL, request BLOB NOT NULL,
  initiator_code TEXT NOT NULL, result_url TEXT NOT NULL, timeout_url TEXT NOT NULL, bound TEXT NOT NULL,
  asked_at INTEGER NOT NULL);
CREATE INDEX movement_by_phone ON movement (phone, kind, at);
"""

_THIRD: Final = """
ALTER TABLE subscriber ADD COLUMN daily_limit_kes INTEGER;
ALTER TABLE subscriber ADD COLUMN wallet_limit_kes INTEGER;
"""

_FOURTH: Final = """
ALTER TABLE sms ADD COLUMN sender TEXT NOT NULL DEFAULT 'MPESA';
"""

_STEPS: Final = (_SECOND, _THIRD, _FOURTH)


def prepare(connection: sqlite3.Connection) -> None:
    """Bring the tables of a new or older file to this version; tables of a later one raise `ValueError`."""
    connection.executescript(_FIRST)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_STEPS):
        raise ValueError(f"these books were written by a later version ({version}; this one knows {len(_STEPS)})")
    for number, step in enumerate(_STEPS[version:], start=version + 1):
        connection.executescript(f"BEGIN; {step} PRAGMA user_version = {number}; COMMIT;")
