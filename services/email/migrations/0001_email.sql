-- +goose Up
-- Who is told about an order, and what the customer was told so far.
CREATE TABLE mailboxes (
	order_id TEXT PRIMARY KEY,
	address  TEXT NOT NULL, -- personal; empty until OrderPlaced arrived
	notices  TEXT NOT NULL  -- JSON: [{"id","kind","status","reason","cause"}], oldest first
) WITHOUT ROWID;
