package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

const (
	lookupEvery   = time.Second // a new instance is used within this, and one that left is forgotten
	lookupTimeout = 2 * time.Second
	dialTimeout   = time.Second      // of one address, before the next is tried
	answerTimeout = 40 * time.Second // until the header; above the 30 s that a service lets a request wait
	idlePerHost   = 64               // connections kept to one instance
)

// Proxy passes every request on to an instance of a service, the next one each time. It
// passes every answer back as it comes. It skips an instance that accepts no
// connection. When no instance does, or the chosen one breaks off, the answer is a 502
// problem. The problem names the service and states whether the request was passed on.
//
// lookup returns all addresses of a host.
func Proxy(service, port string, lookup func(ctx context.Context, host string) ([]string, error), log *slog.Logger) http.Handler {
	way := &instances{host: service, port: port, lookup: lookup, transport: &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		DisableCompression:    true, // an encoding that the client did not request is not its own
		MaxIdleConnsPerHost:   idlePerHost,
		IdleConnTimeout:       30 * time.Second, // below the 60 s of the services, so that they do not hang up first
		ResponseHeaderTimeout: answerTimeout,
	}}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: net.JoinHostPort(service, port)})
			r.Out.Host = r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it came, even where Go would not parse it
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
		},
		Transport: way, // an answer of unknown length, as a stream is, is flushed at every write
		ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() != nil {
				return // the client left
			}
			log.Warn("no answer", "from", service, "method", r.Method, "path", r.URL.Path, "error", err.Error())
			unanswered(w, service, err)
		},
	}
}

// errNotPassedOn is returned when no instance has seen a byte of the request.
var errNotPassedOn = errors.New("not passed on")

// instances holds the instances of one service.
type instances struct {
	host, port string
	lookup     func(ctx context.Context, host string) ([]string, error)
	transport  *http.Transport
	turn       atomic.Uint32

	mu     sync.Mutex
	known  []string
	failed error     // of the latest lookup
	asked  time.Time // when that was
}

// RoundTrip tries each address once, from the next in turn on, until one accepts the
// connection. It errs with errNotPassedOn when none does. A request that was written,
// even in part, goes to no second instance: the first may have carried it out.
func (i *instances) RoundTrip(req *http.Request) (*http.Response, error) {
	addresses, err := i.addresses(req.Context())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNotPassedOn, err)
	}
	first := int(i.turn.Add(1)) % len(addresses)
	for n := range addresses {
		try := req.Clone(req.Context())
		try.URL.Host = net.JoinHostPort(addresses[(first+n)%len(addresses)], i.port)
		if req.Body != nil {
			try.Body = io.NopCloser(req.Body) // a dial that fails closes the body unread; the next still needs it
		}
		var answer *http.Response
		answer, err = i.transport.RoundTrip(try)
		var of *net.OpError
		if err == nil || !errors.As(err, &of) || of.Op != "dial" {
			return answer, err
		}
		if req.Context().Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("%w: %w", errNotPassedOn, err)
}

// addresses looks the addresses up, at most once per lookupEvery. It keeps also a
// failure that long. While a name cannot be looked up, requests must not queue to find
// that out.
func (i *instances) addresses(ctx context.Context) ([]string, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Since(i.asked) < lookupEvery {
		return i.known, i.failed
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout) // the answer is for others too
	defer cancel()
	i.known, i.failed = i.lookup(ctx, i.host)
	if i.failed == nil && len(i.known) == 0 {
		i.failed = fmt.Errorf("%s has no address", i.host)
	}
	i.asked = time.Now()
	return i.known, i.failed
}

// unanswered writes the problem for a client whose service does not answer.
func unanswered(w http.ResponseWriter, service string, err error) {
	detail := fmt.Sprintf("The %s service broke off before it answered. Whether the request was carried out is not known.", service)
	if errors.Is(err, errNotPassedOn) {
		detail = fmt.Sprintf("No instance of the %s service can be reached. The request was not passed on.", service)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Retry-After", "1")
	w.WriteHeader(http.StatusBadGateway)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(http.StatusBadGateway), "status": http.StatusBadGateway, "detail": detail,
	}) // a client that cannot be answered has left
}
