package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestOnly200IsHealthy(t *testing.T) {
	t.Parallel()
	for status, healthy := range map[int]bool{200: true, 204: false, 404: false, 503: false} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			if status != http.StatusNoContent {
				_, _ = io.WriteString(w, "says "+r.URL.Path)
			}
		}))
		said, err := ask(strings.TrimPrefix(s.URL, "http://") + "/readyz")
		s.Close()
		if (err == nil) != healthy {
			t.Errorf("%d: %v", status, err)
		}
		if status != http.StatusNoContent && said != "says /readyz" {
			t.Errorf("%d: printed %q", status, said)
		}
	}
	if _, err := ask("127.0.0.1:1/readyz"); err == nil {
		t.Error("nobody there is healthy")
	}
}
