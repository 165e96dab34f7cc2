package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
)

const openapi = `openapi: 3.0.3
info: {title: Depot, version: "1"}
paths:
  /parcels:
    post:
      operationId: sendParcel
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: '#/components/schemas/SendParcel'}}}
      responses: {"202": {description: accepted}}
  /parcels/{id}:
    get:
      operationId: getParcel
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: found}}
  /parcels/{id}/stop:
    post:
      operationId: stopParcel
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/StopParcel'}}}
      responses: {"202": {description: accepted}}
components:
  schemas:
    StopParcel: {type: object, additionalProperties: false, properties: {why: {type: string, maxLength: 20}}}
    SendParcel:
      type: object
      additionalProperties: false
      required: [sender, currency, to, lines]
      properties:
        sender: {type: string, minLength: 1, maxLength: 64}
        currency: {type: string, pattern: '^[A-Z]{3}$'}
        urgent: {type: boolean}
        speed: {type: string, enum: [slow, fast]}
        weight: {type: number, minimum: 0}
        tags: {type: array, maxItems: 5, uniqueItems: true, items: {type: string}}
        to:
          type: object
          additionalProperties: false
          required: [city]
          properties:
            city: {type: string, minLength: 1, maxLength: 50}
            line2: {type: string, nullable: true, maxLength: 50}
        lines:
          type: array
          minItems: 1
          maxItems: 100
          items:
            type: object
            additionalProperties: false
            required: [code, quantity, price]
            properties:
              code: {type: string, pattern: '^[A-Z0-9-]{1,20}$'}
              quantity: {type: integer, minimum: 1, maximum: 1000}
              price: {type: integer, format: int64, minimum: 0}
`

type sendParcel struct {
	Sender   string   `json:"sender"`
	Currency string   `json:"currency"`
	Urgent   bool     `json:"urgent"`
	Speed    string   `json:"speed"`
	Weight   float64  `json:"weight"`
	Tags     []string `json:"tags"`
	To       struct {
		City  string  `json:"city"`
		Line2 *string `json:"line2"`
	} `json:"to"`
	Lines []struct {
		Code     string `json:"code"`
		Quantity int32  `json:"quantity"`
		Price    int64  `json:"price"`
	} `json:"lines"`
}

const goodParcel = `{"sender":"ann","currency":"EUR","to":{"city":"Köln","line2":null},"lines":[
	{"code":"A-1","quantity":1,"price":9007199254740993},
	{"code":"B-2","quantity":1000,"price":9223372036854775807},
	{"code":"C-3","quantity":2,"price":0}]}`

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func mustLoad(tb testing.TB, yaml string) *Spec {
	tb.Helper()
	s, err := LoadSpec([]byte(yaml))
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// depot answers a body with what it read of it.
func depot(tb testing.TB) *httptest.Server {
	tb.Helper()
	spec, e := mustLoad(tb, openapi), New(quiet())
	e.POST("/parcels", func(c echo.Context) error {
		var in sendParcel
		if err := spec.Decode(c, &in); err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, in)
	})
	e.GET("/parcels/:id", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	e.POST("/parcels/:id/stop", func(c echo.Context) error {
		in := struct{ Why string }{"unset"}
		if err := spec.Decode(c, &in); err != nil {
			return err
		}
		return c.JSON(http.StatusAccepted, in)
	})
	spec.Serve(e)
	srv := httptest.NewServer(e)
	tb.Cleanup(srv.Close)
	return srv
}

// post returns the status, and the problem when there is one.
func post(tb testing.TB, url, contentType, body string) (int, Problem, string) {
	tb.Helper()
	resp, err := http.Post(url, contentType, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	var p Problem
	if resp.StatusCode >= 400 {
		if ct := resp.Header.Get("Content-Type"); ct != "application/problem+json" {
			tb.Errorf("Content-Type %q", ct)
		}
		if err := json.Unmarshal(text, &p); err != nil || p.Status != resp.StatusCode || p.Type != "about:blank" || p.Title == "" {
			tb.Errorf("not a problem: %s", text)
		}
	}
	return resp.StatusCode, p, string(text)
}

func TestAGoodBodyIsReadExactly(t *testing.T) {
	srv := depot(t)
	for _, contentType := range []string{"application/json", "application/json; charset=UTF-8"} {
		status, _, text := post(t, srv.URL+"/parcels", contentType, goodParcel)
		var got, want sendParcel
		if err := json.Unmarshal([]byte(goodParcel), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || status != http.StatusAccepted {
			t.Error(status, diff)
		}
	}
}

func TestABodyThatNeedNotBeThereMayBeMissing(t *testing.T) {
	srv := depot(t)
	for body, want := range map[string]string{"": `{"Why":"unset"}`, `{"why":"late"}`: `{"Why":"late"}`} {
		if status, _, text := post(t, srv.URL+"/parcels/7/stop", "application/json", body); status != 202 || strings.TrimSpace(text) != want {
			t.Error(status, text)
		}
	}
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	const line = `{"code":"A","quantity":1,"price":1}`
	parcel := func(lines, more string) string {
		return `{"sender":"ann","currency":"EUR","to":{"city":"Bonn"},"lines":[` + lines + `]` + more + `}`
	}
	srv := depot(t)
	for name, tt := range map[string]struct {
		body string
		want []FieldError
	}{
		"all at once": {`{"sender":"","currency":"eur","to":{"city":5,"zip":1},"speed":"warp","lines":[` + line + `,{"code":"a","quantity":0,"prize":1}]}`, []FieldError{
			{"lines[1].prize", "is unknown"}, {"to.zip", "is unknown"}, {"currency", "must match ^[A-Z]{3}$"}, {"lines[1].code", "must match ^[A-Z0-9-]{1,20}$"},
			{"lines[1].quantity", "must be at least 1"}, {"lines[1].price", "is missing"},
			{"sender", "must have at least 1 characters"}, {"speed", "must be one of slow, fast"}, {"to.city", "must be string"}}},
		"nothing":            {`{}`, []FieldError{{"sender", "is missing"}, {"currency", "is missing"}, {"to", "is missing"}, {"lines", "is missing"}}},
		"not an object":      {`[]`, []FieldError{{"", "must be object"}}},
		"null":               {`null`, []FieldError{{"", "must not be null"}}},
		"a null field":       {parcel(line, `,"speed":null,"urgent":null`), []FieldError{{"speed", "must be one of slow, fast"}, {"urgent", "must not be null"}}},
		"another case":       {parcel(line, `,"Speed":"fast"`), []FieldError{{"Speed", "is unknown"}}},
		"no lines":           {parcel("", ""), []FieldError{{"lines", "must have at least 1 items"}}},
		"too many lines":     {parcel(strings.Repeat(line+",", 100)+`{"x":1}`, ""), []FieldError{{"lines", "must have at most 100 items"}}},
		"10^4 lines":         {parcel(strings.Repeat("{},", 9999)+"{}", ""), []FieldError{{"lines", "must have at most 100 items"}}},
		"a negative number":  {parcel(`{"code":"A","quantity":-1,"price":-1}`, ""), []FieldError{{"lines[0].price", "must be at least 0"}, {"lines[0].quantity", "must be at least 1"}}},
		"a number too large": {parcel(`{"code":"A","quantity":1001,"price":1}`, ""), []FieldError{{"lines[0].quantity", "must be at most 1000"}}},
		"2^63":               {parcel(`{"code":"A","quantity":1,"price":9223372036854775808}`, ""), []FieldError{{"lines[0].price", "must be a whole number, in digits, of at most 64 bits"}}},
		"1e30":               {parcel(`{"code":"A","quantity":1,"price":1e30}`, ""), []FieldError{{"lines[0].price", "must be a whole number, in digits, of at most 64 bits"}}},
		"1e999":              {parcel(`{"code":"A","quantity":1e999,"price":1}`, `,"weight":1e999`), []FieldError{{"lines[0].quantity", "must be a whole number, in digits, of at most 64 bits"}, {"weight", "is out of range"}}},
		"1.0":                {parcel(`{"code":"A","quantity":1.0,"price":1e2}`, ""), []FieldError{{"lines[0].price", "must be a whole number, in digits, of at most 64 bits"}, {"lines[0].quantity", "must be a whole number, in digits, of at most 64 bits"}}},
		"a number as text":   {parcel(`{"code":"A","quantity":"1","price":true}`, ""), []FieldError{{"lines[0].price", "must be integer"}, {"lines[0].quantity", "must be integer"}}},
		"a NUL":              {parcel(line, `,"speed":"fast\u0000"`), []FieldError{{"speed", "must not contain control characters"}}},
		"a line break":       {`{"sender":"a\nb","currency":"EU\u0085","to":{"city":"x"},"lines":[` + line + `]}`, []FieldError{{"sender", "must not contain control characters"}, {"currency", "must not contain control characters"}}},
		"a NUL in a key":     {parcel(line, `,"a\u0000":1`), []FieldError{{`"a\x00"`, "must not contain control characters"}, {`"a\x00"`, "is unknown"}}},
		"duplicates":         {parcel(line, `,"tags":["a","a"]`), []FieldError{{"tags", "must not hold an item twice"}}},
		"too long":           {parcel(line, `,"to2":1,"tags":[1]`), []FieldError{{"to2", "is unknown"}, {"tags[0]", "must be string"}}},
		"an object as array": {`{"sender":"ann","currency":"EUR","to":[],"lines":{"0":1}}`, []FieldError{{"lines", "must be array"}, {"to", "must be object"}}},
	} {
		t.Run(name, func(t *testing.T) {
			status, p, _ := post(t, srv.URL+"/parcels", "application/json", tt.body)
			if diff := cmp.Diff(tt.want, p.Errors); diff != "" || status != http.StatusUnprocessableEntity {
				t.Error(status, diff)
			}
		})
	}
}

func TestWhatIsNoDocumentIsRefusedCheaply(t *testing.T) {
	srv := depot(t)
	deep := strings.Repeat(`[`, 30_000)
	for name, tt := range map[string]struct {
		contentType, body string
		want              int
	}{
		"nothing":            {"application/json", "", 400},
		"spaces":             {"application/json", "  ", 400},
		"text":               {"application/json", "hello", 400},
		"half":               {"application/json", goodParcel[:100], 400},
		"something behind":   {"application/json", goodParcel + "{}", 400},
		"a NUL behind":       {"application/json", goodParcel + "\x00", 400},
		"a NUL inside":       {"application/json", strings.Replace(goodParcel, "ann", "a\x00n", 1), 400},
		"not UTF-8":          {"application/json", strings.Replace(goodParcel, "ann", "a\xffn", 1), 400},
		"a byte order mark":  {"application/json", "\ufeff" + goodParcel, 400},
		"a key twice":        {"application/json", strings.Replace(goodParcel, `"sender"`, `"sender":"bob","sender"`, 1), 400},
		"a comma too many":   {"application/json", `{"sender":"ann",}`, 400},
		"a bare infinity":    {"application/json", `{"sender":Infinity}`, 400},
		"33 brackets":        {"application/json", strings.Repeat("[", 33) + strings.Repeat("]", 33), 400},
		"30000 brackets":     {"application/json", deep, 400},
		"and closed":         {"application/json", deep + strings.Repeat("]", 30_000), 400},
		"10^5 brackets":      {"application/json", strings.Repeat("[", 100_000), 400},
		"a byte too many":    {"application/json", goodParcel + strings.Repeat(" ", BodyLimit-len(goodParcel)+1), 413},
		"as much as allowed": {"application/json", goodParcel + strings.Repeat(" ", BodyLimit-len(goodParcel)), 202},
		"a form":             {"application/x-www-form-urlencoded", goodParcel, 415},
		"no type":            {"", goodParcel, 415},
		"another charset":    {"application/json; charset=latin1", goodParcel, 415},
	} {
		t.Run(name, func(t *testing.T) {
			if status, p, text := post(t, srv.URL+"/parcels", tt.contentType, tt.body); status != tt.want || (status >= 400 && p.Detail == "") || len(text) > 2000 {
				t.Error(status, text)
			}
		})
	}
}

func TestACompressedBodyIsNotOpened(t *testing.T) {
	srv := depot(t)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/parcels", strings.NewReader(goodParcel))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Error(resp.Status)
	}
}

func TestABodyWithoutALengthIsLimitedToo(t *testing.T) {
	srv := depot(t)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/parcels", io.MultiReader(strings.NewReader(goodParcel), bytes.NewReader(bytes.Repeat([]byte(" "), BodyLimit))))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(resp.Status)
	}
}

func TestAnAnswerToAThousandErrorsIsBounded(t *testing.T) {
	srv := depot(t)
	var b strings.Builder
	b.WriteString(`{"` + strings.Repeat("ÿ\x7f", 200) + `":0`)
	for i := range 5000 {
		fmt.Fprintf(&b, `,"k%d":0`, i)
	}
	status, p, text := post(t, srv.URL+"/parcels", "application/json", b.String()+"}")
	if status != 422 || len(p.Errors) != maxErrors || len(text) > 16<<10 || !strings.Contains(p.Detail, "further errors") {
		t.Error(status, len(p.Errors), len(text), p.Detail)
	}
	for _, e := range p.Errors {
		if len(e.Field) > 500 {
			t.Errorf("a field's name has %d bytes", len(e.Field))
		}
	}
}

func TestAStructNarrowerThanTheDocumentRefusesToo(t *testing.T) {
	spec, e := mustLoad(t, openapi), New(quiet())
	e.POST("/parcels", func(c echo.Context) error {
		var in struct {
			Lines []struct {
				Price int32 `json:"price"`
			} `json:"lines"`
		}
		return spec.Decode(c, &in)
	})
	e.POST("/mistake", func(c echo.Context) error { return spec.Decode(c, nil) })
	srv := httptest.NewServer(e)
	defer srv.Close()
	if status, p, _ := post(t, srv.URL+"/parcels", "application/json", goodParcel); status != 422 || len(p.Errors) != 1 {
		t.Error(status, p)
	}
	if status, _, text := post(t, srv.URL+"/mistake", "application/json", goodParcel); status != 500 || strings.Contains(text, "mistake") {
		t.Error(status, text)
	}
}

func FuzzDocument(f *testing.F) {
	f.Add([]byte(goodParcel))
	f.Add([]byte(`{"a":[1e999,-0,{"a":null}],"b":"\ud800"}`))
	spec := mustLoad(f, openapi)
	f.Fuzz(func(t *testing.T, data []byte) {
		document, faults, err := parseDocument(data)
		if err != nil {
			return
		}
		if faults = validate(spec.operations["POST /parcels"].body, document, faults); len(faults) > 0 {
			return
		}
		if err := json.Unmarshal(data, &sendParcel{}); err != nil {
			t.Errorf("valid, but does not fit: %v", err)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	spec, e := mustLoad(b, openapi), New(quiet())
	b.ReportAllocs()
	for b.Loop() {
		req := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/parcels", strings.NewReader(goodParcel))
		req.Header.Set("Content-Type", "application/json")
		var in sendParcel
		c := e.NewContext(req, httptest.NewRecorder())
		c.SetPath("/parcels")
		if err := spec.Decode(c, &in); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	schema := mustLoad(b, openapi).operations["POST /parcels"].body
	b.ReportAllocs()
	for b.Loop() {
		document, faults, err := parseDocument([]byte(goodParcel))
		if err != nil || len(validate(schema, document, faults)) > 0 {
			b.Fatal(err)
		}
	}
}
