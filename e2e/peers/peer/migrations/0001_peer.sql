-- +goose Up
-- Every event that was handled. The unsafe arm has no use for it.
CREATE TABLE inbox (
	id TEXT PRIMARY KEY
);

-- What the naive arm's relay has still to send. Watermill makes tables of its own.
CREATE TABLE outbox (
	n       BIGSERIAL PRIMARY KEY,
	topic   TEXT  NOT NULL,
	key     TEXT  NOT NULL,
	headers TEXT  NOT NULL, -- JSON
	value   BYTEA NOT NULL
);
