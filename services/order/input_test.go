package order

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/pkg/web"
)

// with is the order with one text of it replaced.
func with(old, replacement string) string {
	if !strings.Contains(order, old) {
		panic("the order has no " + old)
	}
	return strings.Replace(order, old, replacement, 1)
}

func manyLines(n int) string {
	const lines = `[{"sku":"tea","quantity":2,"unitPrice":450},{"sku":"cup","quantity":1,"unitPrice":100}]`
	return with(lines, "["+strings.Repeat(`{"sku":"a","quantity":1,"unitPrice":1},`, n-1)+`{"sku":"a","quantity":1,"unitPrice":1}]`)
}

func TestBadOrdersAreRefusedByFieldAndLeaveNothing(t *testing.T) {
	d := openDesk(t)
	for name, tt := range map[string]struct {
		body   string
		status int
		fields string
	}{
		"empty":                       {``, 400, ""},
		"not JSON":                    {`order!`, 400, ""},
		"cut off":                     {order[:60], 400, ""},
		"two documents":               {order + order, 400, ""},
		"a list":                      {`[]`, 422, ""},
		"null":                        {`null`, 422, ""},
		"nothing in it":               {`{}`, 422, "customerId email lines paymentToken shippingAddress"},
		"a field twice":               {with(`"customerId":"c-1"`, `"customerId":"c-1","customerId":"c-2"`), 400, "customerId"},
		"an unknown field":            {with(`"customerId"`, `"gift":true,"customerId"`), 422, "gift"},
		"an unknown field in a line":  {with(`"sku":"tea"`, `"sku":"tea","colour":"red"`), 422, "lines[0].colour"},
		"missing in a line":           {with(`"sku":"cup",`, ``), 422, "lines[1].sku"},
		"missing in the address":      {with(`"city":"London",`, ``), 422, "shippingAddress.city"},
		"e-mail and currency":         {strings.Replace(with(`"EUR"`, `"QQQ"`), `"customerId":"c-1"`, `"customerId":""`, 1), 422, "currency customerId"},
		"no lines":                    {with(`{"sku":"tea","quantity":2,"unitPrice":450},{"sku":"cup","quantity":1,"unitPrice":100}`, ``), 422, "lines"},
		"201 lines":                   {manyLines(201), 422, "lines"},
		"1600 lines":                  {manyLines(1600), 422, "lines"},
		"10000 lines":                 {manyLines(10000), 422, "lines"},
		"too large":                   {with("Ada Lovelace", strings.Repeat("A", 1_100_000)), 413, ""},
		"quantity zero":               {with(`"quantity":2`, `"quantity":0`), 422, "lines[0].quantity"},
		"quantity negative":           {with(`"quantity":2`, `"quantity":-2`), 422, "lines[0].quantity"},
		"quantity too great":          {with(`"quantity":2`, `"quantity":1000001`), 422, "lines[0].quantity"},
		"quantity over 32 bits":       {with(`"quantity":2`, `"quantity":4294967298`), 422, "lines[0].quantity"},
		"quantity over 64 bits":       {with(`"quantity":2`, `"quantity":18446744073709551618`), 422, "lines[0].quantity"},
		"quantity a fraction":         {with(`"quantity":2`, `"quantity":2.5`), 422, "lines[0].quantity"},
		"quantity a text":             {with(`"quantity":2`, `"quantity":"2"`), 422, "lines[0].quantity"},
		"quantity null":               {with(`"quantity":2`, `"quantity":null`), 422, "lines[0].quantity"},
		"price zero":                  {with(`450`, `0`), 422, "lines[0].unitPrice"},
		"price negative":              {with(`450`, `-1`), 422, "lines[0].unitPrice"},
		"price too great":             {with(`450`, `1000000001`), 422, "lines[0].unitPrice"},
		"total too great":             {with(`"quantity":2,"unitPrice":450`, `"quantity":1001,"unitPrice":1000000000`), 422, "lines"},
		"total too great by a little": {with(`"quantity":2,"unitPrice":450`, `"quantity":1000,"unitPrice":1000000000`), 422, "lines"},
		"sku empty":                   {with(`"tea"`, `""`), 422, "lines[0].sku"},
		"sku too long":                {with(`"tea"`, `"`+strings.Repeat("t", 65)+`"`), 422, "lines[0].sku"},
		"sku with a space":            {with(`"tea"`, `"t ea"`), 422, "lines[0].sku"},
		"sku that begins with a dot":  {with(`"tea"`, `".tea"`), 422, "lines[0].sku"},
		"currency in lower case":      {with(`"EUR"`, `"eur"`), 422, "currency"},
		"currency that is none":       {with(`"EUR"`, `"QQQ"`), 422, "currency"},
		"currency empty":              {with(`"EUR"`, `""`), 422, "currency"},
		"currency and total":          {strings.Replace(with(`"EUR"`, `"QQQ"`), `"quantity":2,"unitPrice":450`, `"quantity":1000000,"unitPrice":1000000000`, 1), 422, "currency lines"},
		"email without at":            {with(`ada@example.com`, `ada.example.com`), 422, "email"},
		"email with a line break":     {with(`ada@example.com`, `ada@example.com\r\nBcc: all@example.com`), 422, "email"},
		"email that ends in a break":  {with(`ada@example.com`, `ada@example.com\n`), 422, "email"},
		"email with a space":          {with(`ada@example.com`, `ada @example.com`), 422, "email"},
		"email of two":                {with(`ada@example.com`, `ada@example.com,eve@example.com`), 422, "email"},
		"email with a name":           {with(`ada@example.com`, `Ada <ada@example.com>`), 422, "email"},
		"email too long":              {with(`ada@example.com`, strings.Repeat("a", 243)+`@example.com`), 422, "email"},
		"customer empty":              {with(`"c-1"`, `""`), 422, "customerId"},
		"customer too long":           {with(`"c-1"`, `"`+strings.Repeat("c", 65)+`"`), 422, "customerId"},
		"customer with a space":       {with(`"c-1"`, `"c 1"`), 422, "customerId"},
		"token empty":                 {with(`"tok_ok"`, `""`), 422, "paymentToken"},
		"token with a slash":          {with(`"tok_ok"`, `"tok/ok"`), 422, "paymentToken"},
		"token too long":              {with(`"tok_ok"`, `"`+strings.Repeat("t", 129)+`"`), 422, "paymentToken"},
		"address a text":              {`{"customerId":"c-1","email":"a@b.c","paymentToken":"t","shippingAddress":"London","lines":[{"sku":"a","quantity":1,"unitPrice":1}]}`, 422, "shippingAddress"},
		"name with a NUL":             {with(`Ada Lovelace`, `Ada\u0000`), 422, "shippingAddress.name"},
		"name empty":                  {with(`Ada Lovelace`, ``), 422, "shippingAddress.name"},
		"name too long":               {with(`Ada Lovelace`, strings.Repeat("é", 101)), 422, "shippingAddress.name"},
		"line2 with a line break":     {with(`"city"`, `"line2":"a\nb","city"`), 422, "shippingAddress.line2"},
		"country in lower case":       {with(`"GB"`, `"gb"`), 422, "shippingAddress.country"},
		"country of three":            {with(`"GB"`, `"GBR"`), 422, "shippingAddress.country"},
		"postcode too long":           {with(`SW1Y 4JH`, strings.Repeat("1", 17)), 422, "shippingAddress.postcode"},
		"three faults":                {strings.Replace(with(`"EUR"`, `"eur"`), `"quantity":2,"unitPrice":450`, `"quantity":0,"unitPrice":0`, 1), 422, "currency lines[0].quantity lines[0].unitPrice"},
	} {
		status, _, text := d.call("POST", "/orders", tt.body, "Idempotency-Key", "k", "Content-Type", "application/json")
		if got := fields(t, text); status != tt.status || got != tt.fields {
			t.Errorf("%s: %d %q, want %d %q: %s", name, status, got, tt.status, tt.fields, text)
		}
	}
	for _, table := range []string{"orders", "commands", "outbox", "timers", "streams"} {
		if n := d.count(`SELECT count(*) FROM ` + table); n != 0 {
			t.Errorf("refused orders left %d rows in %s", n, table)
		}
	}
	d.take(order, "Idempotency-Key", "k") // none of them used the key up
}

// fields are those that a problem names, sorted.
func fields(t *testing.T, text string) string {
	t.Helper()
	var names []string
	for _, e := range read[web.Problem](t, text).Errors {
		names = append(names, e.Field)
	}
	slices.Sort(names)
	return strings.TrimSpace(strings.Join(names, " "))
}

func TestOrdersAtTheBoundsAreTaken(t *testing.T) {
	d := openDesk(t)
	for name, body := range map[string]string{
		"one line":                  manyLines(1),
		"200 lines":                 manyLines(200),
		"the greatest total":        with(`[{"sku":"tea","quantity":2,"unitPrice":450},{"sku":"cup","quantity":1,"unitPrice":100}]`, `[{"sku":"a","quantity":1000,"unitPrice":1000000000}]`),
		"the longest email":         with(`ada@example.com`, strings.Repeat("a", 242)+`@example.com`),
		"a plus in the email":       with(`ada@example.com`, `ada+tea@mail.example.com`),
		"the longest name":          with(`Ada Lovelace`, strings.Repeat("é", 100)),
		"a second address line":     with(`"city"`, `"line2":"Flat 3","city"`),
		"no second address line":    with(`"city"`, `"line2":null,"city"`),
		"the carrier's refusal":     with(`"GB"`, `"XX"`),
		"a sku of every character":  with(`"tea"`, `"T0.a_b-c"`),
		"a currency without cents":  with(`"EUR"`, `"JPY"`),
		"an address in other signs": with(`Ada Lovelace`, `Ада Лавлейс`),
	} {
		if status, _, text := d.call("POST", "/orders", body); status != http.StatusAccepted {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

func TestBadHeadersAreRefusedByName(t *testing.T) {
	d := openDesk(t)
	for name, tt := range map[string]struct {
		headers []string
		fields  string
	}{
		"key empty":           {[]string{"Idempotency-Key", ""}, "Idempotency-Key"},
		"key too long":        {[]string{"Idempotency-Key", strings.Repeat("k", 129)}, "Idempotency-Key"},
		"key with a space":    {[]string{"Idempotency-Key", "k k"}, "Idempotency-Key"},
		"key not ASCII":       {[]string{"Idempotency-Key", "schlüssel"}, "Idempotency-Key"},
		"two keys":            {[]string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, "Idempotency-Key"},
		"tenant with a slash": {[]string{"X-Tenant-ID", "a/b"}, "X-Tenant-ID"},
		"tenant empty":        {[]string{"X-Tenant-ID", ""}, "X-Tenant-ID"},
		"tenant too long":     {[]string{"X-Tenant-ID", strings.Repeat("t", 65)}, "X-Tenant-ID"},
		"both":                {[]string{"X-Tenant-ID", "a b", "Idempotency-Key", "a b"}, "Idempotency-Key X-Tenant-ID"},
	} {
		status, _, text := d.call("POST", "/orders", order, tt.headers...)
		if got := fields(t, text); status != http.StatusBadRequest || got != tt.fields {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	if status, _, text := d.call("POST", "/orders", "", "Content-Type", "application/json", "Content-Encoding", "gzip"); status != http.StatusBadRequest {
		t.Errorf("%d %s", status, text)
	}
	if n := d.count(`SELECT count(*) FROM orders`); n != 0 {
		t.Errorf("%d orders", n)
	}
}

func TestABodyThatIsNotDeclaredAsJSONIsRefused(t *testing.T) {
	d := openDesk(t)
	req := d.request("POST", "/orders", order)
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.check(req, resp, text); err != nil || resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("%s %s: %v", resp.Status, text, err)
	}
}

func TestBadParametersAreRefusedByName(t *testing.T) {
	d := openDesk(t)
	id := d.take(order)
	for path, want := range map[string]string{
		"/orders?status=lost":             "status",
		"/orders?limit=0":                 "limit",
		"/orders?limit=201":               "limit",
		"/orders?limit=ten":               "limit",
		"/orders?limit=-1":                "limit",
		"/orders?after=x":                 "after",
		"/orders?limit=x&status=x":        "limit status",
		"/orders?customerId=":             "customerId",
		"/orders?status=pending&status=x": "status",
		"/orders?customer=c-1":            `"customer"`,
		"/orders?a%0Db=c-1":               `"a\rb"`,
		"/orders?%zz":                     "",
		"/orders/" + id + "?wait=31s":     "wait",
		"/orders/" + id + "?wait=-1s":     "wait",
		"/orders/" + id + "?wait=5":       "wait",
		"/orders/" + id + "?wait=long":    "wait",
		"/orders/" + id + "?wate=1s":      `"wate"`,
		"/orders/" + id + "/events?n=1":   `"n"`,
	} {
		status, _, text := d.call("GET", path, "")
		if got := fields(t, text); status != http.StatusBadRequest || got != want {
			t.Errorf("%s: %d %q, want 400 %q: %s", path, status, got, want, text)
		}
	}
	for _, last := range []string{"x", "-1", "1.5", "99"} {
		status, _, text := d.call("GET", fmt.Sprintf("/orders/%s/events", id), "", "Last-Event-ID", last)
		if got := fields(t, text); status != http.StatusBadRequest || got != "Last-Event-ID" {
			t.Errorf("Last-Event-ID %s: %d %s", last, status, text)
		}
	}
}
