package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/schemas"
)

func TestGeneratedTypesAreUpToDate(t *testing.T) {
	events, err := schemas.Events(schemas.FS)
	if err != nil {
		t.Fatal(err)
	}
	want, err := generate(events)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../events/events.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("events.gen.go differs from the schemas, run \"go run ./gen\" (-schemas +file):\n%s", diff)
	}
	again, err := generate(events)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, again) {
		t.Error("the same schemas gave other bytes the second time")
	}
}

// shop returns an event whose versions have these fields after the key.
func shop(name string, versions ...string) schemas.Event {
	e := schemas.Event{Owner: "shop", Name: name}
	for _, fields := range versions {
		e.Versions = append(e.Versions, `{"type":"record","name":"`+name+`","namespace":"quintet.shop","doc":"It was sold.","fields":[
			{"name":"saleId","type":"string","key":true,"doc":"The sale."}`+fields+`]}`)
	}
	return e
}

func TestGeneratedStructHasKeyAndSensitiveFields(t *testing.T) {
	got, err := generate([]schemas.Event{shop("Sold",
		`,{"name":"phone","type":"string","personal":true,"doc":"Dropped later."}`,
		`,{"name":"guests","doc":"Who came along.","type":{"type":"array","items":{"type":"record","name":"Guest","doc":"One guest.","fields":[
			{"name":"name","type":["null","string"],"personal":true,"doc":"What they are called."},
			{"name":"mood","doc":"How they felt.","type":{"type":"enum","name":"Mood","doc":"A feeling.","symbols":["very_glad"]}}]}}}`,
	)})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"// Sold is quintet.shop.Sold, version 2. It was sold.\ntype Sold struct {",
		"\tSaleID string `avro:\"saleId\" json:\"saleId\"`",
		"\t// Who came along.\n\tGuests []Guest `avro:\"guests\" json:\"guests\"`",
		"// Guest is quintet.shop.Guest. One guest.\ntype Guest struct {",
		"\t// What they are called.\n\tName *string `avro:\"name\" json:\"name\"`",
		"type Mood string",
		"\tMoodVeryGlad Mood = \"very_glad\"",
		"func (Sold) EventType() string { return \"quintet.shop.Sold\" }",
		"func (Sold) EventOwner() string { return \"shop\" }",
		"func (e Sold) EventKey() string { return e.SaleID }",
		"\tcase \"quintet.shop.Sold\":\n\t\treturn []string{\"guests[].name\", \"phone\"}",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("missing:\n%s\nin:\n%s", want, got)
		}
	}
}

func TestWhatHasNoFaithfulGoTypeIsRefused(t *testing.T) {
	mood := func(symbol string) string {
		return `,{"name":"mood","type":{"type":"enum","name":"Mood","symbols":["` + symbol + `"]}}`
	}
	keyless := shop("Sold", "")
	keyless.Versions[0] = strings.Replace(keyless.Versions[0], `"key":true,`, "", 1)
	for _, tt := range []struct {
		name   string
		events []schemas.Event
		want   string
	}{
		{"an event without a key", []schemas.Event{keyless},
			`generate quintet.shop.Sold: no string field is marked as "key"`},
		{"two enums of one name", []schemas.Event{shop("Sold", mood("glad")), shop("Spoilt", mood("sad"))},
			`generate quintet.shop.Spoilt: type Mood is defined in two ways`},
		{"a type nobody asked for yet", []schemas.Event{shop("Sold", `,{"name":"price","type":"double"}`)},
			`generate quintet.shop.Sold: field price: no Go type for double`},
		{"a union of two values", []schemas.Event{shop("Sold", `,{"name":"price","type":["int","string"]}`)},
			`generate quintet.shop.Sold: field price: no Go type for union`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := generate(tt.events)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}
