package registry

import (
	"bytes"
	"context"
	"encoding/binary"
	"runtime"
	"strings"
	"testing"
)

// allocated is how many bytes f makes the heap serve.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func varints(ns ...int64) (b []byte) {
	for _, n := range ns {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func TestHostileBytesAllocateNothing(t *testing.T) {
	record := func(fieldType string) string {
		return `{"type":"record","name":"R","fields":[{"name":"f","type":` + fieldType + `}]}`
	}
	const (
		nulls  = `{"type":"array","items":"null"}`
		empty  = `{"type":"array","items":{"type":"record","name":"E","fields":[]}}`
		nested = `{"type":"array","items":{"type":"array","items":"null"}}`
		list   = `["null","R"]`
	)
	for name, tt := range map[string]struct {
		schema string
		datum  []byte
		want   error
	}{
		"2^31 nulls":             {record(nulls), varints(1<<31, 0), ErrBudget},
		"2^31 empty records":     {record(empty), varints(1<<31, 0), ErrBudget},
		"2^62 longs":             {record(`{"type":"array","items":"long"}`), varints(1 << 62), ErrMalformed},
		"2^31 map entries":       {record(`{"type":"map","values":"null"}`), varints(1 << 31), ErrMalformed},
		"a string of 2^40":       {record(`"string"`), varints(1 << 40), ErrMalformed},
		"a negative length":      {record(`"bytes"`), varints(-1), ErrMalformed},
		"the least count":        {record(nulls), varints(-1<<63, 0), ErrMalformed},
		"a negative block size":  {record(nulls), varints(-1, -1, 0), ErrMalformed},
		"a lying block size":     {record(`{"type":"array","items":"long"}`), varints(-1, 3, 7, 0), ErrMalformed},
		"many blocks of nulls":   {record(nested), append(varints(1<<15), bytes.Repeat(varints(4096, 0), 1<<15)...), ErrBudget},
		"blocks of one item":     {record(`{"type":"array","items":"long"}`), append(bytes.Repeat(varints(1, 7), 5000), 0), ErrBudget},
		"a list of 10^5":         {record(list), bytes.Repeat([]byte{2}, 1e5), ErrBudget},
		"a list of 33":           {record(list), append(bytes.Repeat([]byte{2}, 33), 0), ErrBudget},
		"an int of six bytes":    {record(`"int"`), []byte{0x80, 0x80, 0x80, 0x80, 0x80, 0}, ErrMalformed},
		"a fixed of 2 GB":        {record(`{"type":"fixed","name":"F","size":2000000000}`), nil, ErrMalformed},
		"an endless number":      {record(`"long"`), bytes.Repeat([]byte{0xff}, 100), ErrMalformed},
		"an int of 33 bits":      {record(`"int"`), varints(1 << 31), ErrMalformed},
		"a branch out of range":  {record(`["null","int"]`), varints(2), ErrMalformed},
		"a negative branch":      {record(`["null","int"]`), varints(-1), ErrMalformed},
		"a symbol out of range":  {record(`{"type":"enum","name":"N","symbols":["a"]}`), varints(1), ErrMalformed},
		"half a boolean":         {record(`"boolean"`), []byte{7}, ErrMalformed},
		"a string not UTF-8":     {record(`"string"`), []byte{2, 0xff}, ErrMalformed},
		"a byte too many":        {record(`"string"`), []byte{0, 0}, ErrMalformed},
		"nothing":                {record(`"string"`), nil, ErrMalformed},
		"more than fits a value": {record(`"string"`), make([]byte, MaxBytes), ErrBudget},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStub(t)
			s.know(1, tt.schema)
			codec := NewCodec(depot(t), s.client(), "yard")
			value := append([]byte{0, 0, 0, 0, 1}, tt.datum...)
			_, err := codec.Writer(t.Context(), value, "") // learns the schema
			mustBe(t, err, tt.want)
			n := allocated(func() { _, err = codec.Writer(t.Context(), value, "") })
			mustBe(t, err, tt.want)
			if n > 16<<10 {
				t.Errorf("%d bytes allocated", n)
			}
		})
	}
}

func TestWhatIsNotTheWireFormatIsMalformed(t *testing.T) {
	codec := NewCodec(depot(t), newStub(t).client(), "yard")
	for _, value := range [][]byte{nil, {0}, {0, 0, 0, 0}, {1, 0, 0, 0, 1, 0}, []byte(`{"parcelId":"p"}`)} {
		_, err := codec.Writer(t.Context(), value, fingerprint(t, dropped))
		mustBe(t, err, ErrMalformed)
	}
}

func TestEveryKindOfValueWithinTheBudgetPasses(t *testing.T) {
	const schema = `{"type":"record","name":"R","fields":[
		{"name":"a","type":"boolean"},{"name":"b","type":"int"},{"name":"c","type":"long"},{"name":"d","type":"float"},
		{"name":"e","type":"double"},{"name":"f","type":"bytes"},{"name":"g","type":"string"},{"name":"h","type":"null"},
		{"name":"i","type":{"type":"fixed","name":"F","size":2}},{"name":"j","type":{"type":"enum","name":"N","symbols":["x","y"]}},
		{"name":"k","type":{"type":"map","values":["null","F"]}},{"name":"l","type":{"type":"array","items":"N"}},
		{"name":"m","type":["null","R"]}]}`
	one := map[string]any{"a": true, "b": int32(-1 << 31), "c": int64(-1 << 63), "d": float32(1), "e": 2.0, "f": []byte{255},
		"g": "ü", "h": nil, "i": []byte{1, 2}, "j": "y", "k": map[string]any{"q": []byte{3, 4}, "z": nil}, "l": []any{"x", "y"}, "m": nil}
	two := map[string]any{}
	for k, v := range one {
		two[k] = v
	}
	two["m"] = one
	s := newStub(t)
	s.know(1, schema)
	w, err := NewCodec(depot(t), s.client(), "yard").Writer(t.Context(), wire(t, 1, schema, two), "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := w.JSON()
	if err != nil || !strings.Contains(string(text), "-9223372036854775808") {
		t.Error(string(text), err)
	}
	// The same array as a block that states its size.
	s.know(2, `{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"array","items":"long"}}]}`)
	value := append([]byte{0, 0, 0, 0, 2}, varints(-2, 2, 7, 8, 1, 9, 0)...)
	if w, err = NewCodec(depot(t), s.client(), "yard").Writer(t.Context(), value, ""); err != nil {
		t.Fatal(err)
	}
	if text, err = w.JSON(); err != nil || string(text) != `{"f":[7,8,9]}` {
		t.Error(string(text), err)
	}
}

// FuzzWriterAndDecode holds three readers against each other: what the skim
// lets pass, both decoders read to its end, and within memory.
func FuzzWriterAndDecode(f *testing.F) {
	s := newStub(f)
	const recursive = `{"type":"record","name":"x.R","fields":[{"name":"a","type":{"type":"array","items":["null","x.R",{"type":"map","values":{"type":"array","items":"null"}}]}},
		{"name":"e","type":{"type":"enum","name":"N","symbols":["x","y"]}},{"name":"x","type":{"type":"fixed","name":"F","size":2}},{"name":"d","type":["double","boolean","bytes"]}]}`
	schemas := []string{parcelV3, recursive, returned}
	for i, text := range schemas {
		s.know(i+1, text)
	}
	codec := registered(f, newStub(f), depot(f), "depot")
	reader := NewCodec(load(f, "depot/Parcel/v1.avsc", parcelV1, "depot/Parcel/v2.avsc", parcelV2, "yard/Returned/v1.avsc", returned,
		"x/R/v1.avsc", recursive), s.client(), "yard")
	value, dataschema, err := codec.Encode("test.depot.Parcel", sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value, dataschema)
	f.Add(wire(f, 1, parcelV3, newParcel{ParcelID: "p", Items: []item{{}}}), fingerprint(f, parcelV3))
	f.Add(append([]byte{0, 0, 0, 0, 2}, 2, 2, 0, 0, 1, 2, 2, 1, 0), "")
	f.Add(append([]byte{0, 0, 0, 0, 2}, varints(2, 2, 1, 0, 4, 0, 0, 0)...), "")
	f.Add(wire(f, 3, returned, onlyID{"p"}), "")
	f.Fuzz(func(t *testing.T, value []byte, dataschema string) {
		w, err := reader.Writer(context.Background(), value, dataschema)
		if err != nil {
			return
		}
		if _, err := w.JSON(); err != nil {
			t.Errorf("skimmed, but goavro says: %v", err)
		}
		var into any = new(map[string]any)
		if w.Name() == "test.depot.Parcel" {
			into = new(parcel)
		}
		if err := w.Decode(into); err != nil && w.reading.err == nil {
			t.Errorf("skimmed, but not decoded: %v", err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	codec := registered(b, newStub(b), depot(b), "depot")
	v := sample()
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := codec.Encode("test.depot.Parcel", &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriterAndDecode(b *testing.B) {
	codec := registered(b, newStub(b), depot(b), "depot")
	value, dataschema, err := codec.Encode("test.depot.Parcel", sample())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(value)))
	for b.Loop() {
		w, err := codec.Writer(b.Context(), value, dataschema)
		if err != nil {
			b.Fatal(err)
		}
		var v parcel
		if err := w.Decode(&v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSkim(b *testing.B) {
	codec := registered(b, newStub(b), depot(b), "depot")
	value, _, err := codec.Encode("test.depot.Parcel", sample())
	if err != nil {
		b.Fatal(err)
	}
	shape := codec.contract.latest["test.depot.Parcel"].shape
	for b.Loop() {
		if err := shape.skim(value[headerSize:]); err != nil {
			b.Fatal(err)
		}
	}
}
