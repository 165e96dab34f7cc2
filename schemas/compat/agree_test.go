package compat

import (
	"fmt"
	"testing"

	"github.com/twmb/avro"
)

// The walk only finds words; the verdict is the library's. Where the two
// disagree, a message would be missing or blame the innocent, so every pair of
// these types, as a field, must be judged alike by both.
func TestWalkAgreesWithLibraryOnEveryTypePair(t *testing.T) {
	types := []string{
		`"null"`, `"boolean"`, `"int"`, `"long"`, `"float"`, `"double"`, `"bytes"`, `"string"`,
		`["null","int"]`, `["null","string"]`, `["string","null"]`, `["int","string"]`, `["null","long","double"]`,
		`{"type":"array","items":"int"}`, `{"type":"array","items":["null","long"]}`, `{"type":"map","values":"int"}`, `{"type":"map","values":"long"}`,
		`{"type":"enum","name":"E","symbols":["a","b"]}`, `{"type":"enum","name":"E","symbols":["a"]}`,
		`{"type":"enum","name":"E","symbols":["a","c"],"default":"a"}`, `{"type":"enum","name":"F","symbols":["a"]}`,
		`{"type":"fixed","name":"X","size":4}`, `{"type":"fixed","name":"X","size":5}`,
		`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, `{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}`,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}`,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"long","default":1},{"name":"b","type":"R2","default":{}}]}`,
		`{"type":"record","name":"S","namespace":"other","aliases":["R"],"fields":[{"name":"c","aliases":["a"],"type":"int"}]}`,
		`["null",{"type":"record","name":"R","namespace":"other","fields":[{"name":"a","type":"int"}]}]`,
		`["null",{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"]}]}]`,
		`[{"type":"enum","name":"E","namespace":"x","symbols":["q"]},{"type":"enum","name":"E","symbols":["a","b"]}]`,
		`{"type":"record","name":"T","aliases":["n.R"],"fields":[{"name":"a","type":"int"}]}`,
		`{"type":"record","name":"T","aliases":["elsewhere.R"],"fields":[{"name":"a","type":"int"}]}`,
		`"R2"`, `["null","R2"]`, `{"type":"array","items":"R2"}`,
		`[{"type":"fixed","name":"X","size":4},{"type":"enum","name":"E","symbols":["a","b"]}]`,
	}
	// R2 stands before its use so that references by short name occur too.
	var parsed []*avro.Schema
	for _, typ := range types {
		for _, rest := range []string{"", `,{"name":"more","type":"int"}`, `,{"name":"more","type":"int","default":1}`} {
			parsed = append(parsed, avro.MustParse(fmt.Sprintf(`{"type":"record","name":"Top","namespace":"n","fields":[
				{"name":"first","type":{"type":"record","name":"R2","fields":[]}},{"name":"f","type":%s}%s]}`, typ, rest)))
		}
	}
	// Here R2 is defined where the others only name it.
	for _, fields := range []string{``, `{"name":"z","type":"int"}`} {
		parsed = append(parsed, avro.MustParse(`{"type":"record","name":"Top","namespace":"n","fields":[
			{"name":"f","type":{"type":"record","name":"R2","fields":[`+fields+`]}}]}`))
	}
	refused := 0
	for _, writer := range parsed {
		for _, reader := range parsed {
			for _, forward := range []bool{false, true} {
				found := differences(pair{old: 1, new: 2, forward: forward}, writer, reader)
				err := avro.CheckCompatibility(writer, reader)
				if err != nil {
					refused++
				}
				if (err == nil) != (len(found) == 0) {
					t.Errorf("library says %v, walk says %v\nwriter %s\nreader %s", err, found, writer, reader)
				}
			}
		}
	}
	t.Logf("%d pairs, %d refused", 2*len(parsed)*len(parsed), refused)
}

// An alias may merge two fields into one; the walk has no words for it.
func TestUnexplainedRefusalUsesTheLibrarysMessage(t *testing.T) {
	writer := avro.MustParse(`{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}`)
	reader := avro.MustParse(`{"type":"record","name":"R","fields":[{"name":"a","aliases":["b"],"type":"int"}]}`)
	found := violations(pair{old: 1, new: 2}, writer, reader)
	if len(found) != 1 {
		t.Fatalf("want one violation, got %v", found)
	}
	t.Log(found[0].Message)
}
