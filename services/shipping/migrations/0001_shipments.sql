-- +goose Up
-- What shipping knows of each order. Nothing is asked of the carrier before
-- both the address and the payment are known: the last check holds whoever
-- writes here to that.
CREATE TABLE shipments (
	order_id        TEXT PRIMARY KEY,
	shipment_id     TEXT    NOT NULL, -- also the key at the carrier; empty until the address is known
	status          TEXT    NOT NULL CHECK (status IN ('', 'booking', 'unbooking', 'booked', 'failed', 'closed')), -- empty: waiting
	tracking_number TEXT    NOT NULL CHECK (tracking_number <> '' OR status <> 'booked'),
	address         TEXT    NOT NULL, -- JSON; null: collected at a depot
	lines           TEXT    NOT NULL, -- JSON
	placed          INTEGER NOT NULL CHECK (placed IN (0, 1)),
	paid            INTEGER NOT NULL CHECK (paid IN (0, 1)),
	stood_down      INTEGER NOT NULL CHECK (stood_down IN (0, 1)),
	reason          TEXT    NOT NULL,
	CHECK (status IN ('', 'closed') OR placed = 1 AND paid = 1)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE shipments;
