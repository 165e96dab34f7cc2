-- +goose Up
-- What the customer is told of each order. How to reach and charge them (email,
-- address, payment token) went out with OrderPlaced and is not kept.
CREATE TABLE orders (
	id          TEXT    PRIMARY KEY,
	customer_id TEXT    NOT NULL, -- empty for an external order
	status      TEXT    NOT NULL CHECK (status IN ('pending', 'cancelling', 'completed', 'cancelled')),
	reason      TEXT    NOT NULL, -- empty unless it is being cancelled, or was
	external    INTEGER NOT NULL, -- 1: placed by someone else
	total       BIGINT  NOT NULL, -- minor units of the currency
	currency    TEXT    NOT NULL,
	lines       TEXT    NOT NULL, -- JSON
	progress    TEXT    NOT NULL, -- JSON, oldest step first
	placed_at   BIGINT  NOT NULL  -- microseconds since 1970; for an external order, when it was first heard of
);

-- One index per way of listing, each ending in the order of a listing.
CREATE INDEX orders_by_time ON orders (placed_at, id);
CREATE INDEX orders_by_customer ON orders (customer_id, placed_at, id);
CREATE INDEX orders_by_status ON orders (status, placed_at, id);
