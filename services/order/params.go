package order

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/record"
	"github.com/quintet-eda/quintet/pkg/telemetry"
	"github.com/quintet-eda/quintet/pkg/web"
)

// page is one page of a listing.
type page struct {
	Orders []summary `json:"orders"`
	Next   string    `json:"next,omitempty"` // what to send as after, for the next page
}

const (
	defaultLimit = 50
	maxLimit     = 200
	maxWait      = 30 * time.Second
)

func (a *api) list(c echo.Context) error {
	q, err := query(c, "customerId", "status", "limit", "after")
	if err != nil {
		return err
	}
	l, faults := listingOf(q)
	if len(faults) > 0 {
		return badParameters(faults...)
	}
	orders, next, err := list(c.Request().Context(), a.db.Read(), l)
	if err != nil {
		return readProblem(err)
	}
	p := page{Orders: make([]summary, len(orders))}
	for i, o := range orders {
		p.Orders[i] = summed(o)
	}
	if next != nil {
		p.Next = next.String()
	}
	return c.JSON(http.StatusOK, p)
}

func listingOf(q map[string]string) (l listing, faults []web.FieldError) {
	l.customerID, l.status = q["customerId"], Status(q["status"])
	switch l.status {
	case Unknown, Pending, Cancelling, Completed, Cancelled:
	default:
		faults = append(faults, web.FieldError{Field: "status", Message: "must be one of pending, cancelling, completed, cancelled"})
	}
	var err error
	if l.limit, err = strconv.Atoi(cmp.Or(q["limit"], strconv.Itoa(defaultLimit))); err != nil || l.limit < 1 || l.limit > maxLimit {
		faults = append(faults, web.FieldError{Field: "limit", Message: fmt.Sprintf("must be a number from 1 to %d", maxLimit)})
	}
	if q["after"] != "" {
		if l.after, err = parseCursor(q["after"]); err != nil {
			faults = append(faults, web.FieldError{Field: "after", Message: err.Error()})
		}
	}
	return l, faults
}

func waitOf(s string) (time.Duration, error) {
	wait, err := time.ParseDuration(cmp.Or(s, "0s"))
	if err != nil || wait < 0 || wait > maxWait {
		return 0, badParameters(web.FieldError{Field: "wait", Message: fmt.Sprintf("must be a duration such as 5s, from 0s to %s", maxWait)})
	}
	return wait, nil
}

// query reads the parameters that an operation has. Others are refused, and
// repeated or empty ones: a filter that is misspelt, or was filled from an
// unset variable, must not list everything.
func query(c echo.Context, allowed ...string) (map[string]string, error) {
	sent, err := url.ParseQuery(c.Request().URL.RawQuery)
	if err != nil {
		return nil, web.BadRequest("The query of the address cannot be read.")
	}
	values := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		switch {
		case !slices.Contains(allowed, name):
			return nil, badParameters(web.FieldError{Field: strconv.QuoteToASCII(name[:min(len(name), 64)]), Message: "is no parameter of this request"})
		case len(sent[name]) > 1:
			return nil, badParameters(web.FieldError{Field: name, Message: "is there twice"})
		case sent[name][0] == "" && name != "after": // where a listing begins
			return nil, badParameters(web.FieldError{Field: name, Message: "is empty"})
		}
		values[name] = sent[name][0]
	}
	return values, nil
}

func badParameters(faults ...web.FieldError) error {
	p := web.BadRequest("A parameter of the request cannot be understood.")
	p.Errors = faults
	return p
}

// caller is who asks: what the headers of a request say beside its body.
type caller struct{ tenant, key, traceparent string }

var (
	tenantForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	keyForm    = regexp.MustCompile(`^[!-~]{1,128}$`)
)

func callerOf(h http.Header) (caller, error) {
	c := caller{tenant: record.DefaultTenant, traceparent: traceparent(h)}
	var faults []web.FieldError
	for _, field := range []struct {
		name string
		form *regexp.Regexp
		rule string
		into *string
	}{
		{"X-Tenant-ID", tenantForm, "must be 1 to 64 letters, digits, dots, dashes or underscores", &c.tenant},
		{"Idempotency-Key", keyForm, "must be 1 to 128 visible ASCII characters", &c.key},
	} {
		switch sent := h.Values(field.name); {
		case len(sent) == 0:
		case len(sent) > 1:
			faults = append(faults, web.FieldError{Field: field.name, Message: "is there twice"})
		case !field.form.MatchString(sent[0]):
			faults = append(faults, web.FieldError{Field: field.name, Message: field.rule})
		default:
			*field.into = sent[0]
		}
	}
	if len(faults) > 0 {
		return c, badParameters(faults...)
	}
	return c, nil
}

// traceparent is the caller's trace, if it has one.
func traceparent(h http.Header) string { return telemetry.Traceparent(h.Get("traceparent")) }
