-- +goose Up
-- Where several instances share the database, each does part of what follows. One alone
-- holds everything.

-- Which instance does what follows the commits of a shard of keys: publishing,
-- calls, timers, retries of parked lanes.
CREATE TABLE leases (
	shard  INTEGER PRIMARY KEY,
	holder TEXT   NOT NULL, -- an instance; empty: given back
	epoch  BIGINT NOT NULL, -- raised with each new holder, so that an old one's results are refused
	until  BIGINT NOT NULL  -- microseconds since 1970, by the database's clock
);
INSERT INTO leases (shard, holder, epoch, until) VALUES
	(0, '', 0, 0), (1, '', 0, 0), (2, '', 0, 0), (3, '', 0, 0), (4, '', 0, 0), (5, '', 0, 0),
	(6, '', 0, 0), (7, '', 0, 0), (8, '', 0, 0), (9, '', 0, 0), (10, '', 0, 0), (11, '', 0, 0);

-- Who is alive, so that each can tell its fair share.
CREATE TABLE instances (
	id      TEXT PRIMARY KEY,
	process TEXT   NOT NULL, -- another after a restart
	until   BIGINT NOT NULL  -- microseconds since 1970, by the database's clock
);

-- What another instance committed is found by its key.
CREATE INDEX outbox_by_key ON outbox (key);
CREATE INDEX effects_by_key ON effects (key);
CREATE INDEX timers_by_key ON timers (key);
CREATE INDEX timers_by_due ON timers (due);

