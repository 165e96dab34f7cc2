package registry_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/riferrei/srclient"

	"github.com/quintet-eda/quintet/deploy/local/registry"
	"github.com/quintet-eda/quintet/schemas/compat"
)

const (
	subject = "order.events-quintet.order.OrderPlaced"
	placed1 = `{"type":"record","name":"OrderPlaced","namespace":"quintet.order","fields":[{"name":"orderId","type":"string"}]}`
	placed2 = `{"type":"record","name":"OrderPlaced","namespace":"quintet.order","fields":[{"name":"orderId","type":"string"},
		{"name":"currency","type":"string","default":"USD"}]}`
	breaking = `{"type":"record","name":"OrderPlaced","namespace":"quintet.order","fields":[{"name":"orderId","type":"string"},
		{"name":"currency","type":"string"}]}`
	other = `{"type":"record","name":"Other","fields":[]}`
)

func TestSrclientRegistersLooksUpAndReadsBack(t *testing.T) {
	client := srclient.NewSchemaRegistryClient(serve(t, t.TempDir()))
	client.CachingEnabled(false)

	first := must(client.CreateSchema(subject, placed1, srclient.Avro))(t)
	second := must(client.CreateSchema(subject, placed2, srclient.Avro))(t)
	elsewhere := must(client.CreateSchema("audit-value", placed1, srclient.Avro))(t)
	if first.ID() != 1 || second.ID() != 2 || elsewhere.ID() != 1 {
		t.Errorf("ids %d, %d and %d, want 1, 2 and 1 again: one schema has one id", first.ID(), second.ID(), elsewhere.ID())
	}
	equal(t, must(client.GetSubjects())(t), []string{"audit-value", subject})
	equal(t, must(client.GetSchemaVersions(subject))(t), []int{1, 2})
	latest := must(client.GetLatestSchema(subject))(t)
	equal(t, []int{latest.ID(), latest.Version()}, []int{2, 2})
	found := must(client.LookupSchema(subject, placed1, srclient.Avro))(t)
	equal(t, []int{found.ID(), found.Version()}, []int{1, 1})
	used := must(client.GetSubjectVersionsById(1))(t)
	if len(used) != 2 || used[0].Subject != "audit-value" || used[1].Subject != subject {
		t.Errorf("id 1 is used by %v", used)
	}
	if _, err := must(client.GetSchema(2))(t).Codec().BinaryFromNative(nil, map[string]any{"orderId": "1", "currency": "EUR"}); err != nil {
		t.Errorf("encode with the schema read back: %v", err)
	}
}

func TestSrclientIsToldWhyASchemaIsRefused(t *testing.T) {
	client := srclient.NewSchemaRegistryClient(serve(t, t.TempDir()))
	must(client.CreateSchema(subject, placed1, srclient.Avro))(t)

	if must(client.IsSchemaCompatible(subject, breaking, "latest", srclient.Avro))(t) {
		t.Error("a field without default is called compatible")
	}
	_, err := client.CreateSchema(subject, breaking, srclient.Avro)
	if err == nil || !strings.Contains(err.Error(), "currency") {
		t.Errorf("got %v, want a refusal that names the field", err)
	}
	must(client.ChangeSubjectCompatibilityLevel(subject, srclient.None))(t)
	must(client.CreateSchema(subject, breaking, srclient.Avro))(t)
	equal(t, *must(client.DeleteSubjectCompatibilityLevel(subject))(t), srclient.None)
	equal(t, *must(client.GetCompatibilityLevel(subject, true))(t), srclient.FullTransitive)
	equal(t, *must(client.GetGlobalCompatibilityLevel())(t), srclient.FullTransitive)
}

func TestSubjectIsSoftDeletedThenHardDeleted(t *testing.T) {
	client := srclient.NewSchemaRegistryClient(serve(t, t.TempDir()))
	client.CachingEnabled(false)
	must(client.CreateSchema(subject, placed1, srclient.Avro))(t)

	if err := client.DeleteSubject(subject, false); err != nil {
		t.Fatal(err)
	}
	equal(t, len(must(client.GetSubjects())(t)), 0)
	equal(t, must(client.GetSubjectsIncludingDeleted())(t), []string{subject})
	must(client.GetSchema(1))(t) // records written with it are still there

	again := must(client.CreateSchema(subject, placed1, srclient.Avro))(t)
	equal(t, again.ID(), 1)
	equal(t, must(client.GetSchemaVersions(subject))(t), []int{2})

	if err := client.DeleteSubjectByVersion(subject, 2, true); err != nil {
		t.Fatal(err)
	}
	if err := client.DeleteSubject(subject, true); err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetSchema(1); err == nil {
		t.Error("a schema deleted for ever is still read by id")
	}
	equal(t, must(client.CreateSchema(subject, other, srclient.Avro))(t).ID(), 2)
}

func TestConcurrentRegistrationMakesOneVersion(t *testing.T) {
	url := serve(t, t.TempDir())
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			schema, err := srclient.NewSchemaRegistryClient(url).CreateSchema(subject, placed1, srclient.Avro)
			if err != nil || schema.ID() != 1 {
				t.Errorf("got %v, %v", schema, err)
			}
		})
	}
	all.Wait()
	equal(t, must(srclient.NewSchemaRegistryClient(url).GetSchemaVersions(subject))(t), []int{1})
}

// serve runs a registry whose file is in dir, and returns its URL.
func serve(t *testing.T, dir string) string {
	t.Helper()
	store, err := registry.Open(filepath.Join(dir, "schemas.jsonl"), compat.FullTransitive)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.Handler(store, slog.New(slog.DiscardHandler)))
	t.Cleanup(func() {
		server.Close()
		store.Close()
	})
	return server.URL
}

func request(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	status, answer, contentType := send(t, method, url, body, http.Header{"Content-Type": {"application/json"}})
	if contentType != "application/vnd.schemaregistry.v1+json" {
		t.Errorf("%s %s: content type %s", method, url, contentType)
	}
	return status, answer
}

func send(t *testing.T, method, url, body string, header http.Header) (status int, answer, contentType string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text)), resp.Header.Get("Content-Type")
}

func schemaBody(t *testing.T, schema string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"schema": schema})
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func must[V any](v V, err error) func(*testing.T) V {
	return func(t *testing.T) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func equal[V any](t *testing.T, got, want V) {
	t.Helper()
	if list, ok := any(got).([]string); ok {
		slices.Sort(list)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
