//go:build containers

package registry_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/riferrei/srclient"
	"github.com/twmb/avro"

	"github.com/quintet-eda/quintet/pkg/containers"
	"github.com/quintet-eda/quintet/pkg/registry"
)

// The two are alike in every byte of their data.
const (
	dropped  = `{"type":"record","name":"Dropped","namespace":"test.depot","fields":[{"name":"parcelId","type":"string"}]}`
	returned = `{"type":"record","name":"Returned","namespace":"test.yard","fields":[{"name":"parcelId","type":"string"}]}`
)

type onlyID struct {
	ParcelID string `avro:"parcelId"`
}

func depot(t *testing.T) *registry.Contract {
	t.Helper()
	c, err := registry.Load(fstest.MapFS{"depot/Dropped/v1.avsc": {Data: []byte(dropped)}, "yard/Returned/v1.avsc": {Data: []byte(returned)}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func client(r *containers.Registry) *registry.Client {
	return registry.NewClient(r.URL(), 5*time.Second)
}

// foreign is another client of the same registry.
func foreign(r *containers.Registry) *srclient.SchemaRegistryClient {
	c := srclient.NewSchemaRegistryClient(r.URL())
	c.CachingEnabled(false)
	return c
}

func mustBe(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

// apicurio starts a real registry once. It forgets everything when it stops.
var apicurio = sync.OnceValues(func() (*containers.Registry, error) { return containers.StartRegistry(context.Background()) })

func TestMain(m *testing.M) {
	code := m.Run()
	if r, err := apicurio(); err == nil {
		if err := r.Terminate(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func real(t *testing.T) *containers.Registry {
	t.Helper()
	r, err := apicurio()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ours is every schema of the system.
func ours(t *testing.T) *registry.Contract {
	t.Helper()
	c, err := registry.Load(os.DirFS("../../schemas"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func compactText(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRealRegistryRefusesOnlyBreakingSchemas(t *testing.T) {
	r, contract := real(t), ours(t)
	theirs := foreign(r)
	ids := map[uint32]string{}
	for range 2 { // the second time changes nothing
		for _, owner := range []string{"order", "inventory", "payment", "shipping", "email"} {
			if err := registry.NewCodec(contract, client(r), owner).Register(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	versions := map[string]int{}
	for _, s := range contract.Schemas() {
		versions[s.Subject()]++
		found, err := theirs.LookupSchema(s.Subject(), compactText(t, s.Text), srclient.Avro)
		if err != nil {
			t.Fatal(s.Subject(), err)
		}
		id := uint32(found.ID())
		if found.Version() != s.Version || ids[id] != "" {
			t.Errorf("%s v%d is version %d under id %d, which is also that of %q", s.Name, s.Version, found.Version(), id, ids[id])
		}
		ids[id] = s.Name
	}
	for subject, n := range versions {
		got, err := theirs.GetSchemaVersions(subject)
		if err != nil || len(got) != n {
			t.Errorf("%s has versions %v, not %d; %v", subject, got, n, err)
		}
		level, err := theirs.GetCompatibilityLevel(subject, false)
		if err != nil || *level != srclient.FullTransitive {
			t.Errorf("%s: level %v, %v", subject, level, err)
		}
	}
	broken := fstest.MapFS{}
	for _, s := range contract.Schemas() {
		if s.Event == "OrderPlaced" {
			text := strings.Replace(compactText(t, s.Text), `"fields":[`, `"fields":[{"name":"gift","type":"boolean"},`, 1)
			broken[fmt.Sprintf("order/OrderPlaced/v%d.avsc", s.Version)] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	next, err := registry.Load(broken)
	if err != nil {
		t.Fatal(err)
	}
	err = registry.NewCodec(next, client(r), "order").Register(t.Context())
	mustBe(t, err, registry.ErrIncompatible)
	if !strings.Contains(err.Error(), "gift") {
		t.Errorf("the refusal does not name the field: %v", err)
	}
}

// As instances of a service do that start together. Away for a moment is no
// trouble, since a service asks again; a refusal would end it.
func TestRealRegistryAcceptsConcurrentStarts(t *testing.T) {
	r := real(t)
	files := fstest.MapFS{}
	for i := range 20 {
		text := strings.Replace(dropped, "Dropped", fmt.Sprintf("Together%d", i), 1)
		files[fmt.Sprintf("depot/Together%d/v1.avsc", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	contract, err := registry.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			codec := registry.NewCodec(contract, client(r), "depot")
			err := codec.Register(t.Context())
			for errors.Is(err, registry.ErrUnavailable) {
				err = codec.Register(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestRealRegistryDataLossMisreadsNoRecord(t *testing.T) {
	r, contract := real(t), depot(t)
	codec := registry.NewCodec(contract, client(r), "depot")
	if err := codec.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, fingerprintBefore, err := codec.Encode("test.depot.Dropped", onlyID{"p-1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustBe(t, codec.Register(t.Context()), registry.ErrUnavailable)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Others come first, with a record alike in every byte: every id of ours
	// becomes theirs.
	old := binary.BigEndian.Uint32(before[1:])
	others := foreign(r)
	for i, id := 0, uint32(0); id < old; i++ {
		text := strings.Replace(returned, "Returned", fmt.Sprintf("Returned%d", i), 1)
		s, err := others.CreateSchema(fmt.Sprintf("others-%d", i), text, srclient.Avro)
		if err != nil {
			t.Fatal(err)
		}
		id = uint32(s.ID())
	}

	// Not registered again yet: what is written now goes out under an id of others.
	between, fingerprintBetween, err := codec.Encode("test.depot.Dropped", onlyID{"p-2"})
	if err != nil || binary.BigEndian.Uint32(between[1:]) != old {
		t.Fatal(between, err)
	}
	if err := codec.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, fingerprintAfter, err := codec.Encode("test.depot.Dropped", onlyID{"p-3"})
	if err != nil {
		t.Fatal(err)
	}
	if id := binary.BigEndian.Uint32(after[1:]); id == old {
		t.Errorf("still written under id %d", id)
	}

	// By fingerprint all three are what they were written as.
	readers := registry.NewCodec(contract, client(r), "yard")
	for want, v := range map[string]struct {
		value       []byte
		fingerprint string
	}{"p-1": {before, fingerprintBefore}, "p-2": {between, fingerprintBetween}, "p-3": {after, fingerprintAfter}} {
		w, err := readers.Writer(t.Context(), v.value, v.fingerprint)
		if err != nil {
			t.Fatal(err)
		}
		var got onlyID
		if err := w.Decode(&got); err != nil || got.ParcelID != want || w.Name() != "test.depot.Dropped" {
			t.Errorf("%s is read as %s %v: %v", want, w.Name(), got, err)
		}
	}
	// Without one only the last is, and the name tells that the others are not.
	for i, value := range [][]byte{before, between} {
		w, err := readers.Writer(t.Context(), value, "")
		if err != nil || !strings.HasPrefix(w.Name(), "test.yard.Returned") {
			t.Fatal(i, w, err)
		}
		mustBe(t, w.Decode(&onlyID{}), registry.ErrNoReader)
	}
	w, err := readers.Writer(t.Context(), after, "")
	if err != nil || w.Name() != "test.depot.Dropped" {
		t.Error(w, err)
	}
	// A schema that is compiled in nowhere is believed only with its fingerprint.
	_, err = readers.Writer(t.Context(), before, "urn:avro:sha256:"+strings.Repeat("0", 64))
	mustBe(t, err, registry.ErrMismatch)
}

func TestStartingRealRegistryIsUnavailable(t *testing.T) {
	r, contract := real(t), depot(t)
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.Boot(t.Context()); err != nil {
		t.Fatal(err)
	}
	codec := registry.NewCodec(contract, client(r), "depot")
	datum, err := avro.MustParse(dropped).AppendEncode([]byte{0, 0, 1, 0, 0}, onlyID{"p"}) // an id that nothing has
	if err != nil {
		t.Fatal(err)
	}
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	away := 0
	for ; ; away++ {
		if err := codec.Register(t.Context()); err != nil {
			mustBe(t, err, registry.ErrUnavailable)
		}
		// A client that remembers nothing, so that every look is a question.
		_, err := registry.NewCodec(contract, client(r), "yard").Writer(t.Context(), datum, "")
		if errors.Is(err, registry.ErrUnknownSchema) {
			break // it is up, and knows that it does not know
		}
		mustBe(t, err, registry.ErrUnavailable)
		<-look.C
	}
	if away == 0 {
		t.Error("it was up at once: nothing was tried")
	}
	t.Logf("away %d times", away)
	if err := codec.Register(t.Context()); err != nil {
		t.Error(err)
	}
}
