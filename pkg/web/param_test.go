package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
)

const paramAPI = `
openapi: 3.0.3
info: {title: parcels, version: "1"}
paths:
  /parcels/{code}:
    get:
      parameters:
        - {name: code, in: path, required: true, schema: {type: string, pattern: '^[A-Z]{1,8}$'}}
        - {name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 200, default: 50}}
        - {name: state, in: query, schema: {type: string, enum: [sent, lost]}}
        - {name: after, in: query, allowEmptyValue: true, schema: {type: string, maxLength: 8}}
        - {name: X-Tenant-ID, in: header, schema: {type: string, pattern: '^[a-z]{1,8}$', default: default}}
        - {name: traceparent, in: header, schema: {type: string}}
      responses: {"200": {description: parcels}}
`

// paramsOf asks with a path and headers, and returns the parameters or the answer.
func paramsOf(t *testing.T, method, path string, headers ...string) (p Params, status int, answer string) {
	t.Helper()
	e := New(quiet())
	mustLoad(t, paramAPI).Serve(e)
	e.GET("/parcels/:code", func(c echo.Context) error {
		p = ParamsOf(c)
		return c.NoContent(http.StatusOK)
	})
	req := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, req)
	return p, w.Code, w.Body.String()
}

func TestParametersHaveTheirDefaults(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		p, _, answer := paramsOf(t, method, "/parcels/ABC?after=")
		want := Params{"code": "ABC", "limit": "50", "X-Tenant-ID": "default"}
		if diff := cmp.Diff(want, p); diff != "" || p.Int("limit") != 50 {
			t.Errorf("%s: %s (-want +got):\n%s", method, answer, diff)
		}
	}
	p, _, answer := paramsOf(t, "GET", "/parcels/ABC?limit=200&state=lost&after=x", "X-Tenant-ID", "acme", "traceparent", "t")
	want := Params{"code": "ABC", "limit": "200", "state": "lost", "after": "x", "X-Tenant-ID": "acme", "traceparent": "t"}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("%s (-want +got):\n%s", answer, diff)
	}
}

func TestAPatternIsHeldAgainstTheReadPath(t *testing.T) {
	if p, status, answer := paramsOf(t, "GET", "/parcels/%41B%43"); status != http.StatusOK || p["code"] != "ABC" {
		t.Errorf("%d %v: %s", status, p, answer)
	}
}

func TestAParameterAtFaultIsNamed(t *testing.T) {
	for path, says := range map[string]string{
		"/parcels/abc":                       `"field":"code","message":"must match`,
		"/parcels/A%2FB":                     `"field":"code","message":"must match`,
		"/parcels/ABC?limit=0":               `"field":"limit","message":"must be a number from 1 to 200"`,
		"/parcels/ABC?limit=201":             `"field":"limit","message":"must be a number from 1 to 200"`,
		"/parcels/ABC?limit=ten":             `"field":"limit","message":"must be a number from 1 to 200"`,
		"/parcels/ABC?limit=":                `"field":"limit","message":"is empty"`,
		"/parcels/ABC?limit=1&limit=2":       `"field":"limit","message":"is there twice"`,
		"/parcels/ABC?state=found":           `"field":"state","message":"must be one of sent, lost"`,
		"/parcels/ABC?after=123456789":       `"field":"after","message":"must have at most 8 characters"`,
		"/parcels/ABC?states=sent":           `"field":"\"states\"","message":"is no parameter of this request"`,
		"/parcels/ABC?a%0Db=1":               `"a\\rb\"","message":"is no parameter of this request"`,
		"/parcels/ABC?%zz":                   `cannot be read`,
		"/parcels/ABC?limit=0&state=&other=": `"field":"\"other\""`,
	} {
		if _, status, answer := paramsOf(t, "GET", path); status != http.StatusBadRequest || !strings.Contains(answer, says) {
			t.Errorf("%s: %d %s, want %s", path, status, answer, says)
		}
	}
	for name, headers := range map[string][]string{"must match": {"X-Tenant-ID", "A"}, "is there twice": {"X-Tenant-ID", "a", "X-Tenant-ID", "b"}} {
		if _, status, answer := paramsOf(t, "GET", "/parcels/ABC", headers...); status != http.StatusBadRequest || !strings.Contains(answer, name) {
			t.Errorf("%v: %d %s", headers, status, answer)
		}
	}
	if p, status, _ := paramsOf(t, "GET", "/parcels/ABC", "traceparent", "a", "traceparent", "b"); status != http.StatusOK || p["traceparent"] != "" {
		t.Errorf("two traces: %d %v", status, p)
	}
}

func TestACursorIsReadAsItWasMade(t *testing.T) {
	var n int64
	var id string
	if err := (Params{"after": Cursor(int64(1)<<62, "o/1")}).ReadCursor("after", &n, &id); err != nil || n != 1<<62 || id != "o/1" {
		t.Error(n, id, err)
	}
	for _, forged := range []string{"", "x", "%", "W10", Cursor(1), Cursor("a", 1), Cursor(1, "a", 2), Cursor(1.5, "a"), Cursor(nil, "a"), Cursor(1, nil)} {
		if err := (Params{"after": forged}).ReadCursor("after", &n, &id); err == nil {
			t.Errorf("%q is read as %d, %q", forged, n, id)
		}
	}
}
