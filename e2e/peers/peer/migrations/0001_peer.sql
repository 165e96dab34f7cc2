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

-- What Debezium publishes for the arm C. It is empty after each commit.
CREATE TABLE outbox_logged (
	id               BIGSERIAL PRIMARY KEY,
	topic            TEXT  NOT NULL,
	key              TEXT  NOT NULL,
	value            BYTEA NOT NULL,
	ce_id            TEXT,
	ce_source        TEXT,
	ce_specversion   TEXT,
	ce_type          TEXT,
	ce_time          TEXT,
	ce_subject       TEXT,
	ce_dataschema    TEXT,
	content_type     TEXT,
	ce_sequence      TEXT,
	ce_correlationid TEXT,
	ce_tenant        TEXT,
	ce_causationid   TEXT,
	traceparent      TEXT
);
