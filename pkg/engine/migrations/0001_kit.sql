-- +goose Up
-- How far this participant has read each partition. The truth about the
-- position is here, beside the state it led to; the broker's is a hint.
CREATE TABLE positions (
	claim       TEXT PRIMARY KEY, -- topic/partition
	next_offset BIGINT NOT NULL,
	epoch       BIGINT NOT NULL   -- raised by each new owner, so that an old one cannot write
) WITHOUT ROWID;

-- Every event that was taken in. A redrive of a parked one flips its status.
CREATE TABLE inbox (
	id     TEXT PRIMARY KEY,
	status TEXT NOT NULL CHECK (status IN ('applied', 'parked'))
) WITHOUT ROWID;

-- One row per key: its sequence in this owner's topic, and the highest
-- sequence seen of each other owner. It is also the row that a batch locks.
CREATE TABLE streams (
	key         TEXT PRIMARY KEY,
	emitted     BIGINT NOT NULL, -- ce_sequence of the last event emitted
	made        BIGINT NOT NULL, -- how many effects and parked inputs there were: their order
	seen        TEXT   NOT NULL, -- owner=sequence, space separated
	correlation TEXT   NOT NULL,
	tenant      TEXT   NOT NULL
) WITHOUT ROWID;

-- What is committed and not yet acknowledged by the broker.
CREATE TABLE outbox (
	id      TEXT PRIMARY KEY,
	topic   TEXT   NOT NULL,
	key     TEXT   NOT NULL,
	seq     BIGINT NOT NULL,
	headers TEXT   NOT NULL,
	value   BLOB
) WITHOUT ROWID;

-- External calls asked for and not yet answered.
CREATE TABLE effects (
	id          TEXT PRIMARY KEY, -- also the idempotency key at the other side
	key         TEXT    NOT NULL,
	n           BIGINT  NOT NULL,
	name        TEXT    NOT NULL,
	body        TEXT    NOT NULL,
	started     INTEGER NOT NULL, -- 1: it may have been made
	causation   TEXT    NOT NULL,
	traceparent TEXT    NOT NULL
) WITHOUT ROWID;

CREATE TABLE timers (
	id          TEXT PRIMARY KEY, -- name/key: one timer of a name per key
	key         TEXT   NOT NULL,
	name        TEXT   NOT NULL,
	due         BIGINT NOT NULL, -- microseconds since 1970
	body        TEXT   NOT NULL,
	causation   TEXT   NOT NULL,
	traceparent TEXT   NOT NULL
) WITHOUT ROWID;

-- Inputs that could not be handled, and those that wait behind them.
CREATE TABLE parked (
	lane     TEXT    NOT NULL, -- the topic, or the kind and name of a result or timer
	key      TEXT    NOT NULL,
	n        BIGINT  NOT NULL,
	input_id TEXT    NOT NULL,
	input    BLOB    NOT NULL, -- the whole input, to be handled again
	cause    TEXT    NOT NULL, -- why it was parked; empty for one that waits behind another
	attempts INTEGER NOT NULL,
	dead     INTEGER NOT NULL, -- 1: it went to the dead-letter topic
	PRIMARY KEY (lane, key, n)
) WITHOUT ROWID;
CREATE INDEX parked_by_key ON parked (key);

-- Commands that named an idempotency key, with the answer that each repeat gets.
CREATE TABLE commands (
	id     TEXT PRIMARY KEY,
	digest TEXT NOT NULL,
	reply  TEXT NOT NULL
) WITHOUT ROWID;

-- Topics as they were when this participant first met them.
CREATE TABLE topics (
	name       TEXT PRIMARY KEY,
	partitions INTEGER NOT NULL,
	topic_id   TEXT    NOT NULL
) WITHOUT ROWID;
