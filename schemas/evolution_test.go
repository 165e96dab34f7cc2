package schemas_test

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/compat"
)

func TestEveryVersionReadsEveryOther(t *testing.T) {
	for _, e := range allEvents(t) {
		for n := range e.Versions {
			if err := compat.Check(compat.FullTransitive, e.Versions[n], e.Versions[:n]); err != nil {
				t.Errorf("%s, version %d: %v", e.Type(), n+1, err)
			}
		}
	}
}

// changed returns the latest OrderPlaced after an edit of its fields by name.
func changed(t *testing.T, e schemas.Event, edit func(fields map[string]map[string]any)) string {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal([]byte(e.Latest()), &schema); err != nil {
		t.Fatal(err)
	}
	fields := map[string]map[string]any{}
	for _, f := range schema["fields"].([]any) {
		f := f.(map[string]any)
		fields[f["name"].(string)] = f
	}
	edit(fields)
	edited := []any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		edited = append(edited, fields[name])
	}
	schema["fields"] = edited
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBreakingSchemaRefusalNamesFieldAndRule(t *testing.T) {
	events := allEvents(t)
	placed := events[slices.IndexFunc(events, func(e schemas.Event) bool { return e.Name == "OrderPlaced" })]
	type fields = map[string]map[string]any
	for _, tt := range []struct {
		name string
		edit func(f fields)
		want []string
	}{
		{"a gift text with a default is fine", func(f fields) {
			f["gift"] = map[string]any{"name": "gift", "type": "string", "default": ""}
		}, nil},
		{"without the currency is fine, since it has a default", func(f fields) { delete(f, "currency") }, nil},
		{"a gift text without a default", func(f fields) {
			f["gift"] = map[string]any{"name": "gift", "type": "string"}
		}, []string{
			`field "gift" was added without a default: readers of version 3 cannot read data of version 2 (BACKWARD)`,
			`field "gift" was added without a default: readers of version 3 cannot read data of version 1 (BACKWARD)`,
		}},
		{"without the total", func(f fields) { delete(f, "total") }, []string{
			`field "total" was removed, and version 2 has no default for it: readers of version 2 cannot read data of version 3 (FORWARD)`,
			`field "total" was removed, and version 1 has no default for it: readers of version 1 cannot read data of version 3 (FORWARD)`,
		}},
		{"the currency as a number", func(f fields) { f["currency"]["type"], f["currency"]["default"] = "int", 840 }, []string{
			`field "currency" changed from string to int, and string cannot be read as int: readers of version 3 cannot read data of version 2 (BACKWARD)`,
			`field "currency" changed from string to int, and int cannot be read as string: readers of version 2 cannot read data of version 3 (FORWARD)`,
		}},
		{"an address for everybody", func(f fields) {
			f["shippingAddress"]["type"] = f["shippingAddress"]["type"].([]any)[1]
			delete(f["shippingAddress"], "default")
		}, []string{
			`field "shippingAddress" may no longer be null: readers of version 3 cannot read data of version 2 (BACKWARD)`,
			`field "shippingAddress" was added without a default: readers of version 3 cannot read data of version 1 (BACKWARD)`,
		}},
		{"quantities as long", func(f fields) {
			line := f["lines"]["type"].(map[string]any)["items"].(map[string]any)["fields"].([]any)
			line[1].(map[string]any)["type"] = "long"
		}, []string{
			`field "lines[].quantity" changed from int to long, and long cannot be read as int: readers of version 2 cannot read data of version 3 (FORWARD)`,
			`field "lines[].quantity" changed from int to long, and long cannot be read as int: readers of version 1 cannot read data of version 3 (FORWARD)`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := compat.Check(compat.FullTransitive, changed(t, placed, tt.edit), placed.Versions)
			var got []string
			var refused *compat.Error
			if errors.As(err, &refused) {
				got = refused.Messages()
			} else if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
