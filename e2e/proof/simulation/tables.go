package simulation

import (
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

var tills = flow.RowStore[Till]{Table: store.NewTable("tills", "key",
	[]string{"key", "shop", "room", "nudged", "charge", "status", "receipt", "reminded", "started", "running", "said", "words", "poisoned"},
	func(t *Till) []any {
		return []any{&t.Order, &t.Shop, &t.Room, &t.Nudged, &t.ChargeID, &t.Status, &t.Receipt, &t.Reminded, &t.Started, &t.Running, &t.Said, &t.Words, &t.Poisoned}
	})}

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
