package shipping

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
)

func serve(t *testing.T, db *store.DB) (*echo.Echo, *web.Spec) {
	t.Helper()
	spec, err := web.LoadSpec(openapi)
	if err != nil {
		t.Fatal(err)
	}
	e := web.New(slog.New(slog.DiscardHandler))
	routes(spec)(e, db, nil)
	return e, spec
}

func ask(e *echo.Echo, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func TestDocumentAndRoutesAgree(t *testing.T) {
	e, spec := serve(t, open(t))
	for _, problem := range web.CheckRoutes(spec, e.Routes()) {
		t.Error(problem)
	}
	if w := ask(e, "/openapi.yaml"); w.Code != http.StatusOK || w.Body.String() != string(openapi) {
		t.Errorf("GET /openapi.yaml: got %d and %d bytes, want the document", w.Code, w.Body.Len())
	}
}

func TestShipmentIsShownWithoutItsAddress(t *testing.T) {
	db := open(t)
	if err := put(t, db, known, Shipment{OrderID: "o-2", Paid: true}, Shipment{OrderID: "their order/7", Paid: true}); err != nil {
		t.Fatal(err)
	}
	e, _ := serve(t, db)
	for path, want := range map[string]string{
		"/shipments/o-1":               `{"orderId":"o-1","shipmentId":"s-1","status":"booked","trackingNumber":"QT1","reason":"carrier_unavailable"}`,
		"/shipments/o-2":               `{"orderId":"o-2","status":"waiting"}`,
		"/shipments/their%20order%2F7": `{"orderId":"their order/7","status":"waiting"}`, // as another producer named it
	} {
		w := ask(e, path)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != want {
			t.Errorf("GET %s: got %d %s, want %s", path, w.Code, got, want)
		}
	}
}

func TestUnknownOrderIsAProblem(t *testing.T) {
	e, _ := serve(t, open(t))
	w := ask(e, "/shipments/never-seen")
	if got := w.Header().Get("Content-Type"); w.Code != http.StatusNotFound || got != "application/problem+json" {
		t.Errorf("got %d as %s, want 404 as a problem", w.Code, got)
	}
}
