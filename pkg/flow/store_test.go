package flow_test

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/store"
)

type parcel struct {
	ID     string
	Status status
	Lost   bool
	Seen   time.Time
	Stops  []stop
	To     *stop
}

type (
	status string
	stop   struct{ Town string }
)

var parcels = store.NewTable("parcels", "id", []string{"id", "status", "lost", "seen", "stops", "goal"}, func(p *parcel) []any {
	return []any{&p.ID, &p.Status, &p.Lost, store.AsMicros(&p.Seen), store.AsJSON(&p.Stops), store.AsJSON(&p.To)}
})

var parcelTables = fstest.MapFS{"0001_parcels.sql": {Data: []byte(`-- +goose Up
CREATE TABLE parcels (id TEXT PRIMARY KEY, status TEXT NOT NULL, lost INTEGER NOT NULL, seen BIGINT NOT NULL, stops TEXT NOT NULL, goal TEXT NOT NULL) WITHOUT ROWID;
`)}}

func TestAStateIsLoadedAsItWasSaved(t *testing.T) {
	db, rows := flowtest.OpenDB(t, parcelTables), flow.RowStore[parcel]{Table: parcels}
	noon := time.Date(2026, 1, 2, 12, 0, 0, 1000, time.UTC)
	saved := map[string]parcel{
		"full":  {ID: "full", Status: "lost", Lost: true, Seen: noon, Stops: []stop{{"Bonn"}, {"Köln"}}, To: &stop{"Ulm"}},
		"empty": {Seen: noon}, // without its key, as a reaction may leave it
	}
	if err := flowtest.Save(t, db, rows, saved); err != nil {
		t.Fatal(err)
	}
	saved["empty"] = parcel{ID: "empty", Seen: noon, Stops: []stop{}}
	saved["unknown"] = parcel{}
	if diff := cmp.Diff(saved, flowtest.Load(t, db, rows, "unknown", "empty", "full")); diff != "" {
		t.Errorf("(-saved +loaded):\n%s", diff)
	}
	found, err := parcels.Find(t.Context(), db.Read(), `id = ?`, "full")
	if diff := cmp.Diff(saved["full"], found); diff != "" || err != nil {
		t.Errorf("find: %v (-saved +found):\n%s", err, diff)
	}
}

func TestASavedStateReplacesTheOneBefore(t *testing.T) {
	db := flowtest.OpenDB(t, parcelTables)
	rows, keeping := flow.RowStore[parcel]{Table: parcels}, flow.RowStore[parcel]{Table: parcels.Keeping("status", "goal")}
	save := func(s flow.Store[parcel], p parcel) {
		t.Helper()
		if err := flowtest.Save(t, db, s, map[string]parcel{"p": p}); err != nil {
			t.Fatal(err)
		}
	}
	epoch := time.UnixMicro(0).UTC()
	save(rows, parcel{Status: "new", Lost: true, Seen: epoch, Stops: []stop{{"Bonn"}}, To: &stop{"Ulm"}})
	save(rows, parcel{Status: "old", Seen: epoch, To: &stop{"Rom"}})
	save(keeping, parcel{Status: "kept", Lost: true, Seen: epoch})
	want := parcel{ID: "p", Status: "old", Lost: true, Seen: epoch, Stops: []stop{}, To: &stop{"Rom"}}
	if diff := cmp.Diff(want, flowtest.Load(t, db, rows, "p")["p"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A batch of 500 must not take more statements because it has 500 keys.
func TestABatchOf500TakesFewStatements(t *testing.T) {
	db, rows := flowtest.OpenDB(t, parcelTables), flow.RowStore[parcel]{Table: parcels}
	states := map[string]parcel{}
	for i := range 500 {
		states[fmt.Sprintf("p-%03d", i)] = parcel{}
	}
	statements := 0
	db.CountStatements(func(string) { statements++ })
	if err := flowtest.Save(t, db, rows, states); err != nil {
		t.Fatal(err)
	}
	if statements > 9 { // one to load, and the bits of 500
		t.Errorf("loading and saving took %d statements", statements)
	}
}

func TestAValueThatCannotBeWrittenIsAnError(t *testing.T) {
	type wrong struct {
		ID string
		At func()
	}
	bad := store.NewTable("parcels", "id", []string{"id", "status"}, func(w *wrong) []any { return []any{&w.ID, store.AsJSON(&w.At)} })
	err := flowtest.Save(t, flowtest.OpenDB(t, parcelTables), flow.RowStore[wrong]{Table: bad}, map[string]wrong{"p": {}})
	if err == nil || store.Transient(err) {
		t.Errorf("got %v, want an error that is the state's fault", err)
	}
}
