package compat_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/schemas/compat"
)

// record returns a schema with these fields, each the JSON of one field.
func record(fields ...string) string {
	return fmt.Sprintf(`{"type":"record","name":"Sale","namespace":"shop","fields":[%s]}`, strings.Join(fields, ","))
}

const (
	id          = `{"name":"id","type":"string"}`
	currency    = `{"name":"currency","type":"string"}`
	currencyUSD = `{"name":"currency","type":"string","default":"USD"}`
	amountInt   = `{"name":"amount","type":"int"}`
	amountLong  = `{"name":"amount","type":"long"}`
	amountText  = `{"name":"amount","type":"string"}`
	note        = `{"name":"note","type":"string"}`
	noteOrNull  = `{"name":"note","type":["null","string"]}`
	noteOrLong  = `{"name":"note","type":["null","string","long"]}`
)

func enum(symbols, rest string) string {
	return `{"name":"why","type":{"type":"enum","name":"Why","symbols":[` + symbols + `]` + rest + `}}`
}

func buyer(name, rest string) string {
	return `{"name":"buyer","type":{"type":"record","name":"` + name + `","fields":[{"name":"city","type":"string"}]` + rest + `}}`
}

func lines(field string) string {
	return `{"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[` + field + `]}}}`
}

func fixed(size int) string {
	return fmt.Sprintf(`{"name":"hash","type":{"type":"fixed","name":"Hash","size":%d}}`, size)
}

func decimal(precision int) string {
	return fmt.Sprintf(`{"name":"rate","type":{"type":"bytes","logicalType":"decimal","precision":%d,"scale":2}}`, precision)
}

const (
	backward = ": readers of version 2 cannot read data of version 1 (BACKWARD)"
	forward  = ": readers of version 1 cannot read data of version 2 (FORWARD)"
)

// Each rule is shown with its change and the change undone, and says for both
// directions what is refused. An empty string means that the direction holds.
func TestEachRuleNamesTheFieldAndWhoCannotRead(t *testing.T) {
	for _, tt := range []struct {
		name, old, new    string
		backward, forward string
	}{
		{"nothing changed", record(id), record(id), "", ""},
		{"field added without a default", record(id), record(id, currency), `field "currency" was added without a default`, ""},
		{"field added with a default", record(id), record(id, currencyUSD), "", ""},
		{"field without a default removed", record(id, currency), record(id), "", `field "currency" was removed, and version 1 has no default for it`},
		{"field with a default removed", record(id, currencyUSD), record(id), "", ""},
		{"type changed", record(amountLong), record(amountText),
			`field "amount" changed from long to string, and long cannot be read as string`,
			`field "amount" changed from long to string, and string cannot be read as long`},
		{"int widened to long", record(amountInt), record(amountLong), "", `field "amount" changed from int to long, and long cannot be read as int`},
		{"long narrowed to int", record(amountLong), record(amountInt), `field "amount" changed from long to int, and long cannot be read as int`, ""},
		{"symbol removed", record(enum(`"a","b"`, "")), record(enum(`"a"`, "")), `symbol "b" was removed from enum shop.Why (field "why"), which has no default`, ""},
		{"symbol removed with a default", record(enum(`"a","b"`, `,"default":"a"`)), record(enum(`"a"`, `,"default":"a"`)), "", ""},
		{"symbol added", record(enum(`"a"`, "")), record(enum(`"a","b"`, `,"default":"a"`)), "", `symbol "b" was added to enum shop.Why (field "why"), which has no default in version 1`},
		{"symbol added with a default", record(enum(`"a"`, `,"default":"a"`)), record(enum(`"a","b"`, `,"default":"a"`)), "", ""},
		{"event renamed", record(id), strings.Replace(record(id), "Sale", "Sold", 1), `record shop.Sale was renamed to shop.Sold`, `record shop.Sale was renamed to shop.Sold`},
		{"nested record renamed", record(buyer("Person", "")), record(buyer("Customer", "")),
			`record shop.Person was renamed to shop.Customer (field "buyer")`, `record shop.Person was renamed to shop.Customer (field "buyer")`},
		{"nested record renamed with an alias", record(buyer("Person", "")), record(buyer("Customer", `,"aliases":["Person"]`)),
			"", `record shop.Person was renamed to shop.Customer (field "buyer")`},
		{"field renamed with an alias", record(amountInt), record(`{"name":"sum","type":"int","aliases":["amount"]}`),
			"", `field "amount" was removed, and version 1 has no default for it`},
		{"union narrowed", record(noteOrLong), record(noteOrNull), `field "note" may no longer be long`, ""},
		{"union widened", record(noteOrNull), record(noteOrLong), "", `field "note" may now be long, which version 1 does not allow`},
		{"null refused", record(noteOrNull), record(note), `field "note" may no longer be null`, ""},
		{"null allowed", record(note), record(noteOrNull), "", `field "note" may now be null, which version 1 does not allow`},
		{"element of a list", record(lines(amountLong)), record(lines(amountText)),
			`field "lines[].amount" changed from long to string, and long cannot be read as string`,
			`field "lines[].amount" changed from long to string, and string cannot be read as long`},
		{"field of a nested record", record(lines(id)), record(lines(id + "," + currency)), `field "lines[].currency" was added without a default`, ""},
		{"fixed resized", record(fixed(8)), record(fixed(16)),
			`field "hash" changed from fixed shop.Hash of 8 bytes to fixed shop.Hash of 16 bytes`,
			`field "hash" changed from fixed shop.Hash of 8 bytes to fixed shop.Hash of 16 bytes`},
		{"decimal rescaled", record(decimal(9)), record(decimal(12)),
			`field "rate" changed from decimal(9,2) to decimal(12,2)`, `field "rate" changed from decimal(9,2) to decimal(12,2)`},
		{"the schema itself", `"string"`, `"long"`,
			`the schema changed from string to long, and string cannot be read as long`,
			`the schema changed from string to long, and long cannot be read as string`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantBackward, wantForward := sentences(tt.backward, backward), sentences(tt.forward, forward)
			for level, want := range map[compat.Level][]string{
				compat.None:     nil,
				compat.Backward: wantBackward,
				compat.Forward:  wantForward,
				compat.Full:     append(wantBackward, wantForward...),
			} {
				got := messages(t, compat.Check(level, tt.new, []string{tt.old}))
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", level, diff)
				}
			}
		})
	}
}

func TestEveryViolationIsReported(t *testing.T) {
	err := compat.Check(compat.FullTransitive, record(amountText, currency), []string{record(id, amountLong)})
	var refused *compat.Error
	if !errors.As(err, &refused) {
		t.Fatalf("want a *compat.Error, got %v", err)
	}
	var fields []string
	for _, v := range refused.Violations {
		fields = append(fields, v.Field)
		if v.Version != 1 {
			t.Errorf("version %d is blamed, want 1", v.Version)
		}
		if !strings.Contains(err.Error(), v.Message) {
			t.Errorf("error does not contain %q", v.Message)
		}
	}
	if diff := cmp.Diff([]string{"amount", "currency", "id", "amount"}, fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}

// The second version dropped a field, the third brings it back with another
// type: that gets on with the second, and not with the first.
func TestOnlyTransitiveLevelsCheckOlderVersions(t *testing.T) {
	previous := []string{
		record(id, `{"name":"amount","type":"long","default":0}`),
		record(id),
	}
	next := record(id, `{"name":"amount","type":"string","default":""}`)
	for level, want := range map[compat.Level][]string{
		compat.Backward: nil,
		compat.Forward:  nil,
		compat.Full:     nil,
		compat.BackwardTransitive: {
			`field "amount" changed from long to string, and long cannot be read as string: readers of version 3 cannot read data of version 1 (BACKWARD)`},
		compat.ForwardTransitive: {
			`field "amount" changed from long to string, and string cannot be read as long: readers of version 1 cannot read data of version 3 (FORWARD)`},
		compat.FullTransitive: {
			`field "amount" changed from long to string, and long cannot be read as string: readers of version 3 cannot read data of version 1 (BACKWARD)`,
			`field "amount" changed from long to string, and string cannot be read as long: readers of version 1 cannot read data of version 3 (FORWARD)`},
	} {
		if diff := cmp.Diff(want, messages(t, compat.Check(level, next, previous))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", level, diff)
		}
	}
}

func TestTheFirstVersionMayBeAnySchemaThatParses(t *testing.T) {
	for _, level := range []compat.Level{compat.None, compat.Backward, compat.ForwardTransitive, compat.FullTransitive} {
		if err := compat.Check(level, record(id), nil); err != nil {
			t.Errorf("%s: %v", level, err)
		}
		if err := compat.Check(level, `{"type":"record"}`, nil); !errors.Is(err, compat.ErrSchema) {
			t.Errorf("%s: want ErrSchema for a record without a name, got %v", level, err)
		}
	}
	if err := compat.Check(compat.Full, record(id), []string{"{"}); !errors.Is(err, compat.ErrSchema) {
		t.Errorf("want ErrSchema for a previous version that does not parse, got %v", err)
	}
	if err := compat.Check("full", record(id), nil); !errors.Is(err, compat.ErrLevel) {
		t.Errorf("want ErrLevel for a level in lower case, got %v", err)
	}
}

// A list that ends in itself would keep a naive comparison busy for ever.
func TestRecursiveSchemasAreCompared(t *testing.T) {
	node := func(value string) string {
		return `{"type":"record","name":"Node","namespace":"shop","fields":[
			{"name":"value","type":"` + value + `"},{"name":"next","type":["null","Node"],"default":null}]}`
	}
	got := messages(t, compat.Check(compat.Backward, node("string"), []string{node("long")}))
	want := []string{`field "value" changed from long to string, and long cannot be read as string` + backward}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func sentences(rule, direction string) []string {
	if rule == "" {
		return nil
	}
	return []string{rule + direction}
}

func messages(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var refused *compat.Error
	if !errors.As(err, &refused) {
		t.Fatalf("want a *compat.Error, got %v", err)
	}
	return refused.Messages()
}
