package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeliveryIsRetriedWithItsKeyUntilAccepted(t *testing.T) {
	t.Parallel()
	var seen []string
	inventory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.URL.Path+" "+r.Header.Get("Idempotency-Key"))
		if len(seen) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer inventory.Close()
	if err := insist(t.Context(), inventory.URL, "mug"); err != nil {
		t.Fatal(err)
	}
	once := "/stock/mug/receive first-delivery-of-mug"
	if diff := cmp.Diff([]string{once, once, once}, seen); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestADeliveryThatIsRefusedIsNotRepeated(t *testing.T) {
	t.Parallel()
	inventory := httptest.NewServer(http.NotFoundHandler())
	defer inventory.Close()
	if err := insist(t.Context(), inventory.URL, "mug"); !errors.Is(err, errRefused) {
		t.Errorf("got %v", err)
	}
}
