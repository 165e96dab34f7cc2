-- +goose Up
-- How much there is of each SKU, in pieces. The two checks are the service's
-- promise, kept by the database itself: whatever the code does, nothing is
-- sold that is not there, and no piece appears or vanishes.
CREATE TABLE stock (
	sku      TEXT PRIMARY KEY,
	on_hand  BIGINT NOT NULL,
	reserved BIGINT NOT NULL,
	shipped  BIGINT NOT NULL,
	received BIGINT NOT NULL,
	CHECK (on_hand >= 0 AND reserved >= 0 AND shipped >= 0),
	CHECK (on_hand + reserved + shipped = received)
) WITHOUT ROWID;

-- What became of each order's stock.
CREATE TABLE reservations (
	order_id TEXT PRIMARY KEY,
	status   TEXT NOT NULL CHECK (status IN ('reserved', 'rejected', 'released', 'shipped')),
	lines    TEXT NOT NULL -- JSON: [{"sku","quantity"}], one per SKU; [] when rejected
) WITHOUT ROWID;
