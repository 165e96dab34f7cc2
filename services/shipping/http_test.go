package shipping

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
)

func serve(t *testing.T, db *store.DB) *service.API {
	t.Helper()
	a, err := service.NewAPI(slog.New(slog.DiscardHandler), openapi, db.Read(), nil)
	if err != nil {
		t.Fatal(err)
	}
	routes(a)
	return a
}

func ask(a *service.API, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestDocumentAndRoutesAgree(t *testing.T) {
	a := serve(t, open(t))
	for _, problem := range web.CheckRoutes(a.Spec, a.Routes()) {
		t.Error(problem)
	}
	if w := ask(a, "/openapi.yaml"); w.Code != http.StatusOK || w.Body.String() != string(openapi) {
		t.Errorf("GET /openapi.yaml: got %d and %d bytes, want the document", w.Code, w.Body.Len())
	}
}

func TestShipmentIsShownWithoutItsAddress(t *testing.T) {
	db := open(t)
	if err := put(t, db, known, Shipment{OrderID: "o-2", Paid: true}, Shipment{OrderID: "their order/7", Paid: true}); err != nil {
		t.Fatal(err)
	}
	a := serve(t, db)
	for path, want := range map[string]string{
		"/shipments/o-1":               `{"orderId":"o-1","shipmentId":"s-1","status":"booked","trackingNumber":"QT1","reason":"carrier_unavailable"}`,
		"/shipments/o-2":               `{"orderId":"o-2","status":"waiting"}`,
		"/shipments/their%20order%2F7": `{"orderId":"their order/7","status":"waiting"}`, // as another producer named it
	} {
		w := ask(a, path)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
			t.Errorf("GET %s: got %d %s, want %s", path, w.Code, got, want)
		}
	}
}

func TestUnknownOrderIsAProblem(t *testing.T) {
	a := serve(t, open(t))
	w := ask(a, "/shipments/never-seen")
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusNotFound || got != "application/problem+json" {
		t.Errorf("got %d as %s, want 404 as a problem", w.Code, got)
	}
}

func TestUnknownParameterIsRefused(t *testing.T) {
	w := ask(serve(t, open(t)), "/shipments/o-1?verbose=1")
	if got := w.Body.String(); w.Code != http.StatusBadRequest || !strings.Contains(got, "verbose") {
		t.Errorf("got %d %s, want 400 that names the parameter", w.Code, got)
	}
}
