package simulation

import (
	"context"
	"fmt"
	"strings"
	"testing/fstest"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/store"
)

const tables = `-- +goose Up
CREATE TABLE tills (
	key TEXT PRIMARY KEY, shop TEXT NOT NULL, room TEXT NOT NULL, nudged TEXT NOT NULL, charge TEXT NOT NULL, status TEXT NOT NULL,
	receipt TEXT NOT NULL, reminded BIGINT NOT NULL, started BIGINT NOT NULL, running BIGINT NOT NULL, said BIGINT NOT NULL, words TEXT NOT NULL, poisoned BIGINT NOT NULL CHECK (poisoned = 0)
) WITHOUT ROWID;
`

const columns = `key, shop, room, nudged, charge, status, receipt, reminded, started, running, said, words, poisoned`

func (t *Till) fields() []any {
	return []any{&t.Order, &t.Shop, &t.Room, &t.Nudged, &t.ChargeID, &t.Status, &t.Receipt, &t.Reminded, &t.Started, &t.Running, &t.Said, &t.Words, &t.Poisoned}
}

func tills() flow.ByKey[Till] {
	return flow.ByKey[Till]{
		Select: func(ctx context.Context, tx *store.Tx, keys []string) (map[string]Till, error) {
			found := map[string]Till{}
			return found, tx.Each(ctx, func(scan func(...any) error) error {
				var t Till
				err := scan(t.fields()...)
				found[t.Order] = t
				return err
			}, `SELECT `+columns+` FROM tills WHERE key IN ({keys})`, store.Keys(keys))
		},
		Upsert: func(tx *store.Tx, _ []string, states []Till) error {
			var args []any
			for _, t := range states {
				args = append(args, t.Order, t.Shop, t.Room, t.Nudged, t.ChargeID, t.Status, t.Receipt, t.Reminded, t.Started, t.Running, t.Said, t.Words, t.Poisoned)
			}
			tx.Bulk(`INSERT INTO tills (`+columns+`)`, 13, `ON CONFLICT (key) DO UPDATE SET shop = excluded.shop, room = excluded.room,
				nudged = excluded.nudged, charge = excluded.charge, status = excluded.status, receipt = excluded.receipt,
				reminded = excluded.reminded, started = excluded.started, running = excluded.running, said = excluded.said, words = excluded.words, poisoned = excluded.poisoned`, args)
			return nil
		},
	}
}

func contract() fstest.MapFS {
	schema := func(owner, event, last string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(fmt.Sprintf(
			`{"type":"record","name":%q,"namespace":"sim.%s","fields":[{"name":"order","type":"string"},{"name":"n","type":"long"},{"name":%q,"type":"string"}]}`, event, owner, last))}
	}
	return fstest.MapFS{
		"shop/Ordered/v1.avsc": schema("shop", "Ordered", "extra"),
		"room/Held/v1.avsc":    schema("room", "Held", "extra"),
		"till/Noted/v1.avsc":   schema("till", "Noted", "what"),
	}
}

func migrations() fstest.MapFS {
	return fstest.MapFS{"0001_tills.sql": {Data: []byte(strings.TrimSpace(tables))}}
}
