package store_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/store"
)

func bulkWritesEveryRowInFewStatements(t *testing.T, open opener) {
	db := migrate(t, open(t), boxes)
	statements := 0
	db.CountStatements(func(string) { statements++ })
	for rows, want := range map[int]int{0: 0, 1: 1, 2: 1, 3: 2, 7: 3, 255: 8, 256: 1, 495: 8, 500: 6, 511: 9, 512: 1, 513: 2, 1300: 5} {
		t.Run(strconv.Itoa(rows), func(t *testing.T) {
			run(t, db, `DELETE FROM boxes`)
			statements = 0
			var args []any
			for i := range rows {
				args = append(args, i, i)
			}
			tx := begin(t, db)
			tx.Bulk(`INSERT INTO boxes (id, n)`, 2, `ON CONFLICT (id) DO UPDATE SET n = excluded.n`, args)
			commit(t, tx)
			if got := countBoxes(t, db); got != rows {
				t.Errorf("rows: got %d, want %d", got, rows)
			}
			if statements != want {
				t.Errorf("%d rows took %d statements, want %d", rows, statements, want)
			}
		})
	}
}

func bulkStaysBelowTheBoundOfParameters(t *testing.T, open opener) {
	const width, rows = 130, 600 // 512 rows at once would have 66,560 parameters
	var names, values []string
	for i := range width {
		names = append(names, "c"+strconv.Itoa(i))
	}
	db := migrate(t, open(t), tables(`CREATE TABLE wide (`+strings.Join(names, ` BIGINT NOT NULL, `)+` BIGINT NOT NULL);`))
	args := make([]any, width*rows)
	for i := range args {
		args[i] = i
	}
	tx := begin(t, db)
	tx.Bulk(`INSERT INTO wide (`+strings.Join(names, `, `)+`)`, width, ``, args)
	commit(t, tx)
	values = texts(t, db, `SELECT count(*) FROM wide WHERE c129 = c0 + 129`)
	if diff := cmp.Diff([]string{strconv.Itoa(rows)}, values); diff != "" {
		t.Error(diff)
	}
}

var marks = tables(`CREATE TABLE marks (id TEXT PRIMARY KEY, n BIGINT NOT NULL) WITHOUT ROWID;`)

// odd are keys that a client may choose.
var odd = []string{"", " ", "a", "A", "a ", "ä", "日本", "o'neill", `say "no"`, `back\slash`, "new\nline", "\x01", "{a,b}", "NULL", "null", "1", "$1", "?", "<&>", "\u2028"}

func write(t *testing.T, db *store.DB, ids []string) {
	t.Helper()
	var args []any
	for i, id := range ids {
		args = append(args, id, i)
	}
	tx := begin(t, db)
	tx.Bulk(`INSERT INTO marks (id, n)`, 2, ``, args)
	commit(t, tx)
}

func keysAreFoundAsTheyWereWritten(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	write(t, db, append([]string{"another"}, odd...))
	type key string
	var keys []key
	for _, k := range odd {
		keys = append(keys, key(k), key(k)) // asked for twice, found once
	}
	var got []string
	tx := begin(t, db)
	err := tx.Each(t.Context(), func(scan func(...any) error) error {
		var k key
		if err := scan(&k); err != nil {
			return err
		}
		got = append(got, string(k))
		return nil
	}, `SELECT id FROM marks WHERE id IN ({keys}) ORDER BY id {lock}`, store.Keys(keys))
	if err != nil {
		t.Fatal(err)
	}
	commit(t, tx)
	want := slices.Sorted(slices.Values(odd))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	run(t, db, `DELETE FROM marks WHERE id IN ({keys})`, store.Keys([]string{}))
	if diff := cmp.Diff(want, texts(t, db, `SELECT id FROM marks WHERE id IN ({keys}) ORDER BY id`, store.Keys(odd))); diff != "" {
		t.Error(diff)
	}
}

func keysCanBeLeftOut(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	write(t, db, []string{"a", "b", "c"})
	if diff := cmp.Diff([]string{"c"}, texts(t, db, `SELECT id FROM marks WHERE id NOT IN ({keys}) AND n > ?`, store.Keys([]string{"b"}), 0)); diff != "" {
		t.Error(diff)
	}
	if got := texts(t, db, `SELECT id FROM marks WHERE id NOT IN ({keys})`, store.Keys([]string(nil))); len(got) != 3 {
		t.Errorf("without no key: got %q", got)
	}
}

func textIsOrderedByItsBytes(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	ids := append([]string{"b", "B", "a-b", "aa", "a_b", "ab", "Z", "z", "é", "e", "10", "9", "o-2", "o-10", "~", "𝄞", "\ufffd"}, odd...)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	write(t, db, ids)
	if diff := cmp.Diff(ids, texts(t, db, `SELECT id FROM marks ORDER BY id`)); diff != "" {
		t.Error(diff)
	}
}

func pagesByKeyNeitherSkipNorRepeat(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprintf("o-%d", i), fmt.Sprintf("O_%d", i), fmt.Sprintf("ö%d", i))
	}
	write(t, db, ids)
	slices.Sort(ids)
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page := texts(t, db, `SELECT id FROM marks WHERE id > ? ORDER BY id LIMIT ?`, after, 7)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Error(diff)
	}
	slices.Reverse(ids)
	got = texts(t, db, `SELECT id FROM marks WHERE (0, id) < (?, ?) ORDER BY id DESC`, 0, "zz")
	if diff := cmp.Diff(ids[40:], got); diff != "" { // "ö" is above "zz"
		t.Error(diff)
	}
}

func valuesComeBackInTheTypesTheyWentInWith(t *testing.T, open opener) {
	db := migrate(t, open(t), tables(`CREATE TABLE things (
	id   TEXT   PRIMARY KEY, -- a BLOB it is not
	yes  INTEGER NOT NULL CHECK (yes IN (0, 1)),
	kind TEXT    NOT NULL,
	raw  BLOB,
	n    BIGINT  NOT NULL,
	note TEXT
) WITHOUT ROWID;`))
	type kind string
	type thing struct {
		ID   string
		Yes  bool
		Kind kind
		Raw  []byte
		N    int64
		Note *string
	}
	note := "noted"
	want := []thing{
		{"a", true, "round", []byte{0, 1, 0xff}, 1 << 62, &note},
		{"b", false, "", nil, -1, nil},
		{"c", false, `{"x":"?"}`, []byte("text"), 0, nil},
	}
	var args []any
	for _, w := range want {
		args = append(args, w.ID, w.Yes, w.Kind, w.Raw, w.N, w.Note)
	}
	tx := begin(t, db)
	tx.Bulk(`INSERT INTO things (id, yes, kind, raw, n, note)`, 6, ``, args)
	var inside, outside []thing
	const query = `SELECT id, yes, kind, raw, n, note FROM things WHERE yes IN (?, ?) ORDER BY id`
	err := tx.Each(t.Context(), func(scan func(...any) error) error {
		var g thing
		err := scan(&g.ID, &g.Yes, &g.Kind, &g.Raw, &g.N, &g.Note)
		inside = append(inside, g)
		return err
	}, query, true, false)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, tx)
	rows, err := db.Read().QueryContext(t.Context(), query, true, false)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var g thing
		if err := rows.Scan(&g.ID, &g.Yes, &g.Kind, &g.Raw, &g.N, &g.Note); err != nil {
			t.Fatal(err)
		}
		outside = append(outside, g)
	}
	if diff := cmp.Diff(want, inside) + cmp.Diff(want, outside); rows.Err() != nil || diff != "" {
		t.Error(rows.Err(), diff)
	}
	var yes bool
	var sum int64
	row := db.Read().QueryRowContext(t.Context(), `SELECT max(yes), coalesce(sum(n), 0) FROM things WHERE n < ?`, 5)
	if err := row.Scan(&yes, &sum); err != nil || yes || sum != -1 {
		t.Errorf("got %t and %d: %v", yes, sum, err)
	}
}

func aQuestionMarkInQuotesIsText(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	write(t, db, []string{"what?", "it's ?"})
	got := texts(t, db, `SELECT id AS "really?" FROM marks WHERE id <> 'it''s ?' AND id = ? OR id = 'it''s ?' AND n = ? ORDER BY n`, "what?", 1)
	if diff := cmp.Diff([]string{"what?", "it's ?"}, got); diff != "" {
		t.Error(diff)
	}
}

func aTextWithANULByteIsKeptOrIsTheFaultOfItsInput(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	for _, id := range []string{"a\x00b", "\x00"} {
		for name, err := range map[string]error{
			"written":      try(t, db, `INSERT INTO marks (id, n) VALUES (?, ?)`, id, 1),
			"asked for":    try(t, db, `DELETE FROM marks WHERE id = ? AND n = 5`, id),
			"among others": try(t, db, `DELETE FROM marks WHERE id IN ({keys}) AND n = 5`, store.Keys([]string{"a", id})),
		} {
			if err != nil && (store.Transient(err) || strings.Contains(err.Error(), store.ErrUnknownOutcome.Error())) {
				t.Errorf("%q %s: %v", id, name, err)
			}
		}
	}
	run(t, db, `INSERT INTO marks (id, n) VALUES (?, ?)`, "a", 1)
	if got := texts(t, db, `SELECT id FROM marks WHERE id = ?`, "a"); len(got) != 1 {
		t.Errorf("after it: %q", got)
	}
}

func aTextThatCannotBeStoredIsFoundNowhere(t *testing.T, open opener) {
	db := migrate(t, open(t), marks)
	write(t, db, []string{"a", "b"})
	for _, id := range []string{"\x00", "a\x00", "\xff", "a\xc3"} {
		if got := texts(t, db, `SELECT id FROM marks WHERE id = ?`, id); len(got) > 0 {
			t.Errorf("%q was found: %q", id, got)
		}
	}
	if got := texts(t, db, `SELECT id FROM marks WHERE id > ? ORDER BY id`, "a\x00"); len(got) != 1 || got[0] != "b" {
		t.Errorf("behind it: got %q", got)
	}
}
