package events_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/linkedin/goavro/v2"
	"github.com/twmb/avro"

	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

// testdata holds each version of each event twice: <Event>.v<N>.json for people
// and <Event>.v<N>.avro with its bytes. The bytes are one plain Avro datum,
// neither an object container file nor behind the wire header of the registry,
// which belongs to whoever talks to one. A change of the bytes of a published
// version means that records on the topics can no longer be read.
var update = flag.Bool("update", false, "write testdata/*.avro anew from testdata/*.json")

// golden is one version of one event as it lies in testdata.
type golden struct {
	name   string // e.g. OrderPlaced.v1
	event  schemas.Event
	writer string // the schema of this version
	json   []byte
	bytes  []byte
}

func (g golden) isLatest() bool { return g.writer == g.event.Latest() }

func every(golden) bool { return true }

// eachGolden runs a test for those versions of all events that are of interest.
func eachGolden(t *testing.T, of func(golden) bool, test func(t *testing.T, g golden)) {
	t.Helper()
	all, err := schemas.Events(schemas.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		for n, writer := range e.Versions {
			g := golden{name: fmt.Sprintf("%s.v%d", e.Name, n+1), event: e, writer: writer}
			if !of(g) {
				continue
			}
			t.Run(g.name, func(t *testing.T) {
				g.json = read(t, g.name+".json")
				if *update {
					g.write(t)
				}
				g.bytes = read(t, g.name+".avro")
				test(t, g)
			})
		}
	}
}

func (g golden) write(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("testdata", g.name+".avro"), g.encoded(t), 0o644); err != nil {
		t.Fatal(err)
	}
}

// encoded returns the bytes of the human form.
func (g golden) encoded(t *testing.T) []byte {
	t.Helper()
	var v any
	if err := avro.MustParse(g.writer).DecodeJSON(g.json, &v); err != nil {
		t.Fatal(err)
	}
	return encode(t, g.writer, v)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// encode returns the bytes of a value under a schema.
func encode(t *testing.T, schema string, v any) []byte {
	t.Helper()
	encoded, err := avro.MustParse(schema).Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

func TestTheHumanFormEncodesToTheGoldenBytes(t *testing.T) {
	eachGolden(t, every, func(t *testing.T, g golden) {
		if got := g.encoded(t); !bytes.Equal(got, g.bytes) {
			t.Errorf("got  %x\nwant %x", got, g.bytes)
		}
	})
}

func TestTodaysTypesDecodeEveryVersion(t *testing.T) {
	values := today()
	eachGolden(t, every, func(t *testing.T, g golden) {
		want, ok := values[g.name]
		if !ok {
			t.Fatal("nobody wrote down what this golden means")
		}
		resolved, err := avro.Resolve(avro.MustParse(g.writer), avro.MustParse(g.event.Latest()))
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want))
		rest, err := resolved.Decode(g.bytes, got.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Elem().Interface()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(rest) > 0 {
			t.Errorf("%d bytes left over", len(rest))
		}
	})
}

func TestCurrentTypesEncodeToGoldenBytesAndJSON(t *testing.T) {
	values := today()
	eachGolden(t, golden.isLatest, func(t *testing.T, g golden) {
		if got := encode(t, g.writer, values[g.name]); !bytes.Equal(got, g.bytes) {
			t.Errorf("got  %x\nwant %x", got, g.bytes)
		}
		got, err := json.Marshal(values[g.name])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decodeJSON(t, g.json), decodeJSON(t, got)); diff != "" {
			t.Errorf("JSON (-want +got):\n%s", diff)
		}
	})
}

// A codec by other people reads the same out of the bytes and writes the same
// bytes, so a mistake of ours or of our codec's does not become the contract.
func TestGoavroAgrees(t *testing.T) {
	eachGolden(t, every, func(t *testing.T, g golden) {
		codec, err := goavro.NewCodecForStandardJSONFull(g.writer)
		if err != nil {
			t.Fatal(err)
		}
		native, rest, err := codec.NativeFromBinary(g.bytes)
		if err != nil || len(rest) > 0 {
			t.Fatalf("%d bytes left over, error %v", len(rest), err)
		}
		text, err := codec.TextualFromNative(nil, native)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decodeJSON(t, g.json), decodeJSON(t, text)); diff != "" {
			t.Errorf("goavro reads something else (-want +got):\n%s", diff)
		}
		again, err := codec.BinaryFromNative(nil, native)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, g.bytes) {
			t.Errorf("goavro writes %x\nwant %x", again, g.bytes)
		}
	})
}

func decodeJSON(t *testing.T, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEveryFileInTestdataIsAVersionOfAnEvent(t *testing.T) {
	known := map[string]bool{}
	eachGolden(t, every, func(_ *testing.T, g golden) { known[g.name+".json"], known[g.name+".avro"] = true, true })
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !f.IsDir() && !known[f.Name()] {
			t.Errorf("testdata/%s belongs to no event", f.Name())
		}
	}
}

func TestWhatIsNullableTravelsAsNull(t *testing.T) {
	schema := avro.MustParse(schemaOf(t, "quintet.order.OrderPlaced"))
	for _, want := range []events.OrderPlaced{
		{OrderID: "ord-1", Lines: []events.OrderLine{}},
		{OrderID: "ord-2", Lines: []events.OrderLine{}, ShippingAddress: &events.Address{Name: "Ada"}},
	} {
		encoded, err := schema.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		var got events.OrderPlaced
		if _, err := schema.Decode(encoded, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestAnEventWithoutItsReasonIsNotEncoded(t *testing.T) {
	schema := avro.MustParse(schemaOf(t, "quintet.payment.PaymentFailed"))
	if encoded, err := schema.Encode(events.PaymentFailed{OrderID: "ord-1"}); err == nil {
		t.Errorf("encoded as %x", encoded)
	}
}

// A reader that does not know a reason yet must not stop at it.
func TestAReasonOfTomorrowIsReadAsUnspecified(t *testing.T) {
	latest := schemaOf(t, "quintet.order.OrderCancelled")
	tomorrow := strings.Replace(latest, `"carrier_unavailable"]`, `"carrier_unavailable", "fraud"]`, 1)
	resolved, err := avro.Resolve(avro.MustParse(tomorrow), avro.MustParse(latest))
	if err != nil {
		t.Fatal(err)
	}
	var got events.OrderCancelled
	if _, err := resolved.Decode(encode(t, tomorrow, map[string]any{"orderId": "ord-1", "reason": "fraud"}), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(events.OrderCancelled{OrderID: "ord-1", Reason: events.ReasonUnspecified}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func schemaOf(tb testing.TB, eventType string) string {
	tb.Helper()
	all, err := schemas.Events(schemas.FS)
	if err != nil {
		tb.Fatal(err)
	}
	for _, e := range all {
		if e.Type() == eventType {
			return e.Latest()
		}
	}
	tb.Fatalf("no event %s", eventType)
	return ""
}
