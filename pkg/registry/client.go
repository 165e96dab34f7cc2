package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/riferrei/srclient"
	"golang.org/x/sync/singleflight"
)

const (
	maxAnswer   = 1 << 20         // bytes of an answer of the registry
	maxCached   = 1024            // ids with a cached answer
	maxQuoted   = 1024            // bytes of the registry's message in an error
	staleAfter  = 5 * time.Second // how long an error is reused, and a doubted answer is not asked for again
	codeUnknown = 40403           // the registry's code for "schema not found"
)

var errOversized = fmt.Errorf("answer exceeds %d bytes", maxAnswer)

// Client queries a schema registry that speaks Confluent's API. It is safe for
// concurrent use. It uses only the requests of srclient. srclient's calls take no
// context, and neither its caches nor its reads have a bound.
type Client struct {
	sr      *srclient.SchemaRegistryClient
	flights singleflight.Group
	now     func() time.Time

	mu    sync.Mutex
	known map[uint32]answer
}

// answer is the registry's last answer for an id: a schema, or an error that would
// recur at once.
type answer struct {
	schema *Schema
	err    error
	at     time.Time
}

// NewClient makes a client of the registry at url. A call that takes longer than
// timeout fails with [ErrUnavailable]. NewClient sends no request.
func NewClient(url string, timeout time.Duration) *Client {
	httpClient := &http.Client{Timeout: timeout, Transport: limited{http.DefaultTransport}}
	sr := srclient.NewSchemaRegistryClient(strings.TrimRight(url, "/"), srclient.WithClient(httpClient))
	sr.CachingEnabled(false)
	return &Client{sr: sr, now: time.Now, known: map[uint32]answer{}}
}

// schema returns the schema that the registry holds under id. It asks the registry when
// it has no cached answer. It also asks when the cached answer is older than
// staleAfter, and is an error or doubted. Concurrent callers share one request; a
// caller whose ctx ends leaves it to the others.
func (c *Client) schema(ctx context.Context, id uint32, doubted bool) (*Schema, error) {
	if a, ok := c.remembered(id, doubted); ok {
		return a.schema, a.err
	}
	// Doubt is part of the key: a doubting caller must not join a flight that may
	// return the cached answer.
	asked := c.flights.DoChan(fmt.Sprintf("id %d %t", id, doubted), func() (any, error) {
		// Otherwise a caller could ask again. It misses the cache. An earlier flight
		// caches its answer and ends. Only then does the caller start its own flight.
		if a, ok := c.remembered(id, doubted); ok {
			return a.schema, a.err
		}
		schema, err := c.fetch(id)
		if !errors.Is(err, ErrUnavailable) {
			c.remember(id, answer{schema: schema, err: err, at: c.now()})
		}
		return schema, err
	})
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: fetch schema %d: %w", ErrUnavailable, id, ctx.Err())
	case r := <-asked:
		return r.Val.(*Schema), r.Err
	}
}

// schemaKnown returns the cached answer, for a caller that must not wait.
func (c *Client) schemaKnown(id uint32, doubted bool) (*Schema, error) {
	if a, ok := c.remembered(id, doubted); ok {
		return a.schema, a.err
	}
	return nil, fmt.Errorf("%w: schema %d was not asked for yet", ErrUnavailable, id)
}

func (c *Client) fetch(id uint32) (*Schema, error) {
	got, err := c.sr.GetSchema(int(id))
	var refusal srclient.Error
	switch {
	case errors.As(err, &refusal) && refusal.Code == codeUnknown:
		return nil, fmt.Errorf("%w: id %d", ErrUnknownSchema, id)
	case errors.Is(err, errOversized):
		return nil, fmt.Errorf("%w: schema %d: %w", ErrIncompatible, id, errOversized)
	case err != nil:
		return nil, unavailable(fmt.Sprintf("fetch schema %d", id), err)
	case got.Schema() == "":
		return nil, fmt.Errorf("%w: fetch schema %d: the answer holds no schema", ErrUnavailable, id)
	case got.SchemaType() != nil && *got.SchemaType() != srclient.Avro:
		return nil, fmt.Errorf("%w: schema %d is %s, not Avro", ErrIncompatible, id, quoted(string(*got.SchemaType())))
	}
	schema, err := parse(got.Schema())
	if err != nil {
		return nil, fmt.Errorf("%w: schema %d: %s", ErrIncompatible, id, quoted(err.Error()))
	}
	return schema, nil
}

// register registers a schema and returns its id. A schema that the registry already
// holds keeps its id.
func (c *Client) register(ctx context.Context, s *Schema) (uint32, error) {
	asked := c.flights.DoChan("register "+s.Subject()+" "+s.Fingerprint, func() (any, error) {
		if err := c.guard(s.Subject()); err != nil {
			return nil, err
		}
		return c.create(s)
	})
	select {
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	case r := <-asked:
		if r.Err != nil {
			return 0, r.Err
		}
		return r.Val.(uint32), nil
	}
}

// guard makes FULL_TRANSITIVE the subject's own level, before its first schema is
// registered. Without a level of its own a subject is at NONE in one registry, at
// BACKWARD in another. guard only reads a level that is already set. Every service asks
// again all the time, and a registry may write a log.
func (c *Client) guard(subject string) error {
	level, err := c.sr.GetCompatibilityLevel(subject, false)
	if err == nil && *level == srclient.FullTransitive {
		return nil
	}
	var refusal srclient.Error // to some registries a subject without a level of its own is an error
	if err != nil && !errors.As(err, &refusal) {
		return unavailable("read the compatibility level of "+subject, err)
	}
	if _, err := c.sr.ChangeSubjectCompatibilityLevel(subject, srclient.FullTransitive); err != nil {
		return unavailable("set the compatibility level of "+subject, err)
	}
	return nil
}

func (c *Client) create(s *Schema) (uint32, error) {
	// Without white space. To Apicurio two texts are two schemas with two ids. Java's
	// Avro produces this text, and others can produce it. So another client with the
	// same schema finds ours.
	var text bytes.Buffer
	if err := json.Compact(&text, []byte(s.Text)); err != nil {
		return 0, err
	}
	got, err := c.sr.CreateSchema(s.Subject(), text.String(), srclient.Avro)
	var refusal srclient.Error
	if errors.As(err, &refusal) && refused(refusal.Code) {
		// The refusal may be no verdict. Two instances of a service start together.
		// Both ask Apicurio. Apicurio finds no such subject for either. It creates the
		// subject for one, and answers the other with 409: it exists. The second
		// request finds the schema there.
		got, err = c.sr.CreateSchema(s.Subject(), text.String(), srclient.Avro)
	}
	if errors.As(err, &refusal) && refused(refusal.Code) {
		return 0, fmt.Errorf("%w: the registry refused it: %s", ErrIncompatible, quoted(refusal.Message))
	}
	if err != nil {
		return 0, unavailable("ask the registry", err)
	}
	// A registry may hold another schema under the id that it just returned. Every
	// reader without our fingerprint would then read nonsense.
	if back, err := parse(got.Schema()); err != nil || back.Fingerprint != s.Fingerprint {
		return 0, fmt.Errorf("%w: the registry holds another schema under id %d", ErrMismatch, got.ID())
	}
	return uint32(got.ID()), nil
}

// refused separates a verdict on the schema from every failure that may pass. The
// verdicts are 409 (incompatible), 422 (not a schema), and their finer codes such as
// 42201.
func refused(code int) bool {
	for code >= 1000 {
		code /= 10
	}
	return code == http.StatusConflict || code == http.StatusUnprocessableEntity
}

func (c *Client) remembered(id uint32, doubted bool) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.known[id]
	if (doubted || a.err != nil) && c.now().Sub(a.at) >= staleAfter {
		return answer{}, false
	}
	return a, ok
}

func (c *Client) remember(id uint32, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.known[id]; !ok && len(c.known) >= maxCached {
		for old := range c.known { // any one: a registry with as many ids in use is asked a little more
			delete(c.known, old)
			break
		}
	}
	c.known[id] = a
}

// unavailable covers every failure that may pass. Examples are no connection, no answer
// in time, a server error, and an answer that is not a registry's.
func unavailable(doing string, err error) error {
	var refusal srclient.Error
	if errors.As(err, &refusal) {
		return fmt.Errorf("%w: %s: error %d: %s", ErrUnavailable, doing, refusal.Code, quoted(refusal.Message))
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%w: %s: the answer is not JSON", ErrUnavailable, doing)
	}
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}

func quoted(s string) string {
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "..."
	}
	return strconv.Quote(s)
}
