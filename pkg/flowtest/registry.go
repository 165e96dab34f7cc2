package flowtest

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/registry"
)

// Codec returns a codec of owner whose schemas are registered at a registry
// that lives as long as the test. The registry only hands out ids; the real
// rules are the embedded registry's, and tested there.
func Codec(t testing.TB, contract fs.FS, owner string) *registry.Codec {
	t.Helper()
	c, err := registry.Load(contract)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(&ids{})
	t.Cleanup(s.Close)
	codec := registry.NewCodec(c, registry.NewClient(s.URL, 5*time.Second), owner)
	if err := codec.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	return codec
}

// ids answers registrations with an id per schema text.
type ids struct {
	mu sync.Mutex
	of map[string]int
}

func (s *ids) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Schema string `json:"schema"`
	}
	if strings.HasPrefix(r.URL.Path, "/config/") {
		_, _ = w.Write([]byte(`{"compatibilityLevel":"FULL_TRANSITIVE"}`))
		return
	}
	if r.Method == http.MethodGet {
		s.mu.Lock()
		defer s.mu.Unlock()
		for text, id := range s.of {
			if strings.HasSuffix(r.URL.Path, "/"+strconv.Itoa(id)) {
				_ = json.NewEncoder(w).Encode(map[string]any{"id": id, "schema": text, "version": 1})
				return
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Method != http.MethodPost {
		http.Error(w, `{"error_code":40403,"message":"only registers"}`, http.StatusNotFound)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]int{}
	}
	if s.of[body.Schema] == 0 {
		s.of[body.Schema] = len(s.of) + 1
	}
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	_ = json.NewEncoder(w).Encode(map[string]any{"id": s.of[body.Schema], "schema": body.Schema, "version": 1}) // the test sees the broken answer
}
