// Package remote makes one attempt of an external HTTP call, and distinguishes three
// outcomes. They are an answer, an attempt that certainly had no effect, and an attempt
// of unknown outcome.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/telemetry"
)

// API is an HTTP API of the outside world, called by idempotency key.
type API struct {
	name string
	url  string
	http *http.Client
}

const (
	maxAnswer = 64 << 10 // bytes; the answers of such APIs are far shorter
	maxIdle   = 64       // connections
	maxKey    = 255      // bytes; the limit of such APIs
)

// New returns the API at url; its errors call it name.
func New(name, url string) API {
	return API{name: name, url: strings.TrimSuffix(url, "/"), http: &http.Client{
		Transport: &http.Transport{
			MaxIdleConns: maxIdle, MaxIdleConnsPerHost: maxIdle, IdleConnTimeout: time.Minute,
			MaxResponseHeaderBytes: maxAnswer, DisableCompression: true,
		},
		// A redirect is not followed: it would pass the body to the host that it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is the answer of the other side. Status is empty if the body is not in the
// API's own words. Then the caller must not use into.
type Answer struct {
	Code   int
	Status string // the "status" of the JSON body
	from   string
}

// Says reports whether the answer is this one.
func (a Answer) Says(code int, status string) bool { return a.Code == code && a.Status == status }

// Post makes one attempt and reads the answer into into as well, unless that is
// nil. Its error wraps flow.ErrNoEffect if Post got no connection, so that not a byte
// of the request can have left. After that any failure leaves the outcome unknown.
func (a API) Post(ctx context.Context, call flow.Call, path string, body, into any) (Answer, error) {
	if err := spelled(call.ID, path); err != nil {
		return Answer{}, fmt.Errorf("%s: %w: %w", a.name, flow.ErrNoEffect, err)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", flow.ErrNoEffect, err)
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+path, bytes.NewReader(text))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", flow.ErrNoEffect, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", call.ID)
	// The database may hold a trace from a time before traces were checked.
	if trace := telemetry.Traceparent(call.Traceparent); trace != "" {
		req.Header.Set("Traceparent", trace)
	}
	// Without GetBody net/http cannot send the request again by itself, as it
	// does with an Idempotency-Key when a kept connection breaks. The first
	// copy may have had its effect then, and a 503 to the second would look
	// like proof of no effect.
	req.GetBody = nil
	res, err := a.http.Do(req)
	if err != nil && !connected.Load() {
		return Answer{}, fmt.Errorf("%w: %w", flow.ErrNoEffect, err)
	}
	if err != nil {
		return Answer{}, err
	}
	return a.read(res, into)
}

// spelled checks that HTTP can carry a call's key and path as they are. The kit
// derives both ids, so a fault here is the program's. The error reports it before a
// server takes one thing for another.
func spelled(key, path string) error {
	if key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("key %.40q is not 1 to %d visible ASCII characters", key, maxKey)
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		if part == "" || part == "." || part == ".." { // a proxy on the way would remove it
			return fmt.Errorf("path %.80q has a part that names nothing", path)
		}
	}
	return nil
}

func (a API) read(res *http.Response, into any) (Answer, error) {
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return Answer{}, fmt.Errorf("read answer %d of %s: %w", res.StatusCode, a.name, err)
	}
	answer := Answer{Code: res.StatusCode, from: a.name}
	if len(text) > maxAnswer {
		return answer, nil
	}
	var said struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(text, &said) != nil || into != nil && json.Unmarshal(text, into) != nil {
		return answer, nil
	}
	answer.Status = said.Status
	return answer, nil
}

// Failure returns the error of an answer that settles nothing. It wraps
// flow.ErrNoEffect if the attempt certainly had no effect. Then the other side says so
// in its own words, or refuses the request as such. A gateway's error says nothing about
// the effect behind it. An answer about the key (408, 409, 422) may be about an earlier
// attempt.
//
// No such answer ends a call by itself, though a retry may be in vain. Only the kit
// knows whether an earlier attempt remained unanswered, also one of an earlier process.
func (a Answer) Failure() error {
	err := fmt.Errorf("%s answered %d %.40q", a.from, a.Code, a.Status)
	switch a.Code {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if a.Status == "unavailable" {
			return fmt.Errorf("%w: %w", flow.ErrNoEffect, err)
		}
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		return fmt.Errorf("%w: %w", flow.ErrNoEffect, err)
	}
	return err
}
