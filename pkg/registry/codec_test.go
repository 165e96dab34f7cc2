package registry

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"
)

func sample() parcel {
	note := "ring twice"
	return parcel{ParcelID: "p-1", Currency: "EUR", Note: &note,
		Items: []item{{"A", 1, 995}, {"B", 2, 1 << 60}, {"C", 3, 0}}}
}

func registered(tb testing.TB, s *stub, c *Contract, owner string) *Codec {
	tb.Helper()
	codec := NewCodec(c, s.client(), owner)
	if err := codec.Register(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return codec
}

// wire frames v under any schema and id, as a foreign producer would.
func wire(tb testing.TB, id uint32, schema string, v any) []byte {
	tb.Helper()
	value := binary.BigEndian.AppendUint32([]byte{0}, id)
	value, err := avro.MustParse(schema).AppendEncode(value, v)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

func fingerprint(tb testing.TB, schema string) string {
	tb.Helper()
	s, err := parse(schema)
	if err != nil {
		tb.Fatal(err)
	}
	return s.Fingerprint
}

func mustBe(tb testing.TB, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Fatalf("got error %v, want %v", err, want)
	}
}

func TestLoadReportsEveryProblemAtOnce(t *testing.T) {
	_, err := Load(fstest.MapFS{
		"depot/Parcel/v1.avsc":  {Data: []byte(parcelV1)},
		"depot/Parcel/v3.avsc":  {Data: []byte(parcelV2)},
		"yard/Dropped/v1.avsc":  {Data: []byte(dropped)},
		"depot/Broken/v1.avsc":  {Data: []byte(`{"type":"record"`)},
		"depot/Colour/v1.avsc":  {Data: []byte(`{"type":"enum","name":"test.depot.Colour","symbols":["a"]}`)},
		"depot/Parcel/v02.avsc": {Data: []byte(parcelV2)},
		"Reason.avsc":           {Data: []byte("read by nobody")},
	})
	if err == nil {
		t.Fatal("loaded")
	}
	for _, want := range []string{"v3 follows v1", "yard/Dropped/v1.avsc", "Broken/v1.avsc", "Colour/v1.avsc", "v02.avsc"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in:\n%v", want, err)
		}
	}
}

func TestALoadedSchemaKnowsItsNames(t *testing.T) {
	s := depot(t).Latest("test.depot.Parcel")
	got := []any{s.Owner, s.Event, s.Name, s.Version, s.Topic(), s.Subject(), len(s.Fingerprint)}
	want := []any{"depot", "Parcel", "test.depot.Parcel", 2, "depot.events", "depot.events-test.depot.Parcel", len("urn:avro:sha256:") + 64}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyOwnVersionsAreRegisteredInOrder(t *testing.T) {
	s := newStub(t)
	registered(t, s, depot(t), "depot")
	want := []string{"depot.events-test.depot.Dropped", "depot.events-test.depot.Parcel", "depot.events-test.depot.Parcel"}
	if diff := cmp.Diff(want, s.posts); diff != "" {
		t.Error(diff)
	}
	if v1 := s.byID[2]; strings.Contains(v1, "currency") {
		t.Errorf("v2 was registered before v1: id 2 is %s", v1)
	}
}

func TestAValueGoesThereAndBackWithoutTheRegistry(t *testing.T) {
	s := newStub(t)
	codec := registered(t, s, depot(t), "depot")
	value, dataschema, err := codec.Encode("test.depot.Parcel", sample())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	w, err := codec.Writer(t.Context(), value, dataschema)
	if err != nil {
		t.Fatal(err)
	}
	var got parcel
	if err := w.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" || w.Name() != "test.depot.Parcel" {
		t.Error(w.Name(), diff)
	}
	text, err := w.JSON()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"currency":"EUR","items":[{"code":"A","count":1,"price":995},{"code":"B","count":2,"price":1152921504606846976},{"code":"C","count":3,"price":0}],"note":"ring twice","parcelId":"p-1"}`
	if diff := cmp.Diff(canonicalJSON(t, []byte(want)), canonicalJSON(t, text)); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}

func canonicalJSON(tb testing.TB, text []byte) any {
	tb.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		tb.Fatal(err)
	}
	return v
}

func TestNothingIsEncodedBeforeRegistration(t *testing.T) {
	s := newStub(t)
	codec := NewCodec(depot(t), s.client(), "depot")
	_, _, err := codec.Encode("test.depot.Parcel", sample())
	mustBe(t, err, ErrNotRegistered)
	if _, _, err = codec.Encode("test.yard.Returned", onlyID{"p"}); err == nil {
		t.Error("encoded another owner's record")
	}
}

func TestWhatNoReaderAcceptsIsNotEncoded(t *testing.T) {
	codec := registered(t, newStub(t), depot(t), "depot")
	_, _, err := codec.Encode("test.depot.Parcel", parcel{ParcelID: strings.Repeat("x", MaxBytes)})
	mustBe(t, err, ErrBudget)
	_, _, err = codec.Encode("test.depot.Parcel", parcel{Items: make([]item, MaxNodes/4+1)})
	mustBe(t, err, ErrBudget)
	_, _, err = codec.Encode("test.depot.Parcel", parcel{ParcelID: "\xff"})
	mustBe(t, err, ErrMalformed)
}

func TestAnOldWritersValueGetsTheReadersDefaults(t *testing.T) {
	s := newStub(t)
	codec := NewCodec(depot(t), s.client(), "yard")
	value := wire(t, 77, parcelV1, oldParcel{"p-9", []item{{"A", 1, 2}}})
	w, err := codec.Writer(t.Context(), value, fingerprint(t, parcelV1))
	if err != nil {
		t.Fatal(err)
	}
	var got parcel
	if err := w.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parcel{ParcelID: "p-9", Items: []item{{"A", 1, 2}}, Currency: "USD"}, got); diff != "" {
		t.Error(diff)
	}
	if s.asked() != 0 {
		t.Error("asked the registry for a compiled schema")
	}
}

func TestANewerWritersSchemaIsFetchedOnce(t *testing.T) {
	s := newStub(t)
	s.know(5, parcelV3)
	codec := NewCodec(depot(t), s.client(), "yard")
	value := wire(t, 5, parcelV3, newParcel{ParcelID: "p-3", Currency: "EUR", Weight: 9})
	for _, dataschema := range []string{"", "https://example.com/parcel", fingerprint(t, parcelV3), fingerprint(t, parcelV3)} {
		w, err := codec.Writer(t.Context(), value, dataschema)
		if err != nil {
			t.Fatal(err)
		}
		var got parcel
		if err := w.Decode(&got); err != nil || got.ParcelID != "p-3" || w.Schema().Text != parcelV3 {
			t.Fatal(got, err)
		}
	}
	if s.asked() != 1 {
		t.Errorf("asked %d times", s.asked())
	}
}

func TestFiftyReadersOfOneUnknownSchemaAskOnce(t *testing.T) {
	s := newStub(t)
	arrived, release := make(chan struct{}, 50), make(chan struct{})
	s.answer(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_ = json.NewEncoder(w).Encode(map[string]string{"schema": parcelV3})
	})
	codec := NewCodec(depot(t), s.client(), "yard")
	value := wire(t, 5, parcelV3, newParcel{ParcelID: "p-3"})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := codec.Writer(t.Context(), value, ""); err != nil {
				t.Error(err)
			}
		})
	}
	<-arrived
	close(release)
	all.Wait()
	if s.asked() != 1 {
		t.Errorf("asked %d times", s.asked())
	}
}

func TestReusedSchemaIDIsCaughtByFingerprint(t *testing.T) {
	s := newStub(t)
	s.know(1, dropped) // what the record was written with, before
	value := wire(t, 1, dropped, onlyID{"p-1"})
	s.forget(1)
	s.know(1, returned) // alike in every byte
	codec := NewCodec(load(t, "yard/Returned/v1.avsc", returned), s.client(), "yard")
	_, err := codec.Writer(t.Context(), value, fingerprint(t, dropped))
	mustBe(t, err, ErrMismatch)

	// Without a fingerprint only the name can warn.
	w, err := codec.Writer(t.Context(), value, "")
	if err != nil || w.Name() != "test.yard.Returned" {
		t.Fatal(w, err)
	}
}

func TestStaleCachedSchemaIsFetchedAgain(t *testing.T) {
	s := newStub(t)
	s.know(1, returned)
	codec := NewCodec(load(t, "yard/Returned/v1.avsc", returned), s.client(), "yard")
	now := time.Now()
	codec.client.now = func() time.Time { return now }
	if _, err := codec.Writer(t.Context(), wire(t, 1, returned, onlyID{"p"}), ""); err != nil {
		t.Fatal(err)
	}
	s.forget(1)
	s.know(1, parcelV3)
	now = now.Add(staleAfter)
	w, err := codec.Writer(t.Context(), wire(t, 1, parcelV3, newParcel{}), fingerprint(t, parcelV3))
	if err != nil || w.Name() != "test.depot.Parcel" {
		t.Fatal(w, err)
	}
	mustBe(t, w.Decode(&newParcel{}), ErrNoReader)
}

func TestANewIdOfOurSchemaIsUsedFromThenOn(t *testing.T) {
	s := newStub(t)
	codec := registered(t, s, depot(t), "depot")
	id := func() uint32 {
		value, _, err := codec.Encode("test.depot.Parcel", sample())
		if err != nil {
			t.Fatal(err)
		}
		return binary.BigEndian.Uint32(value[1:])
	}
	if id() != 3 {
		t.Fatalf("id %d", id())
	}
	s.forget(41)
	if err := codec.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	if id() != 43 {
		t.Fatalf("id %d", id())
	}
	s.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mustBe(t, codec.Register(t.Context()), ErrUnavailable)
	if id() != 43 {
		t.Fatalf("id %d after a failed repetition", id())
	}
}

// A registry that came back empty and goes away again in the middle: what it
// has given out by then is known, and an old id may be another schema's by now.
func TestNewIDIsUsedDuringPartialRegistration(t *testing.T) {
	s := newStub(t)
	codec := registered(t, s, depot(t), "depot")
	s.forget(41)
	s.answer(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "Parcel") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s.registry(w, r)
	})
	mustBe(t, codec.Register(t.Context()), ErrUnavailable)
	for name, want := range map[string]uint32{"test.depot.Dropped": 41, "test.depot.Parcel": 3} {
		var v any = onlyID{"p"}
		if name == "test.depot.Parcel" {
			v = sample()
		}
		value, _, err := codec.Encode(name, v)
		if err != nil {
			t.Fatal(err)
		}
		if id := binary.BigEndian.Uint32(value[1:]); id != want {
			t.Errorf("%s is written under id %d, not %d", name, id, want)
		}
	}
}
