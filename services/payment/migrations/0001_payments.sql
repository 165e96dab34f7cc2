-- +goose Up
-- What payment knows of each order. Nothing is asked of the provider before
-- both the amount and the reservation are known: the last check holds whoever
-- writes here to that.
CREATE TABLE payments (
	order_id   TEXT PRIMARY KEY,
	payment_id TEXT    NOT NULL, -- also the key at the provider; empty until the amount is known
	status     TEXT    NOT NULL CHECK (status IN ('', 'charging', 'voiding', 'paid', 'refunding', 'failed', 'refunded', 'closed')), -- empty: waiting
	due        BIGINT  NOT NULL CHECK (due >= 0), -- minor units
	currency   TEXT    NOT NULL,
	token      TEXT    NOT NULL, -- of the card: whoever holds it can charge
	placed     INTEGER NOT NULL CHECK (placed IN (0, 1)),
	held       INTEGER NOT NULL CHECK (held IN (0, 1)),
	stood_down INTEGER NOT NULL CHECK (stood_down IN (0, 1)),
	reason     TEXT    NOT NULL,
	CHECK (status IN ('', 'closed') OR placed = 1 AND held = 1)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE payments;
