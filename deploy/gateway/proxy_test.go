package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/deploy/gateway"
)

// instances starts a service on n addresses and one port, as containers of one
// service have.
func instances(t *testing.T, n int, handler func(name string) http.Handler) (addresses []string, port string, servers []*httptest.Server) {
	t.Helper()
	port = "0"
	for i := range n {
		address := fmt.Sprintf("127.0.0.%d", i+1)
		l, err := net.Listen("tcp", net.JoinHostPort(address, port))
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		s := httptest.NewUnstartedServer(handler(address))
		_ = s.Listener.Close()
		s.Listener = l
		s.Start()
		t.Cleanup(s.Close)
		addresses, servers = append(addresses, address), append(servers, s)
	}
	return addresses, port, servers
}

// door opens one for tests; lookup answers with what addresses holds by then.
func door(t *testing.T, port string, lookup func(context.Context, string) ([]string, error)) string {
	t.Helper()
	s := httptest.NewServer(gateway.Proxy("order", port, lookup, slog.New(slog.DiscardHandler)))
	t.Cleanup(s.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return s.URL
}

func always(addresses ...string) func(context.Context, string) ([]string, error) {
	return func(context.Context, string) ([]string, error) { return addresses, nil }
}

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, name, " ", string(body))
	})
}

func post(t *testing.T, url, body string) (status int, text string) {
	t.Helper()
	resp, err := http.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

func TestInstancesTakeTurns(t *testing.T) {
	t.Parallel()
	addresses, port, _ := instances(t, 3, named)
	url := door(t, port, always(addresses...))
	answered := map[string]int{}
	for range 30 {
		_, name := post(t, url, "")
		answered[strings.TrimSpace(name)]++
	}
	if diff := cmp.Diff(map[string]int{"127.0.0.1": 10, "127.0.0.2": 10, "127.0.0.3": 10}, answered); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

func TestUnreachableInstanceIsSkipped(t *testing.T) {
	t.Parallel()
	addresses, port, servers := instances(t, 3, named)
	url := door(t, port, always(addresses...))
	servers[1].Close()
	for i := range 30 {
		body := fmt.Sprintf("body %d", i)
		if status, text := post(t, url, body); status != http.StatusOK || !strings.HasSuffix(text, body) {
			t.Fatalf("request %d: %d %q", i, status, text)
		}
	}
}

func TestANewInstanceIsFound(t *testing.T) {
	t.Parallel()
	addresses, port, _ := instances(t, 2, named)
	var there atomic.Int32
	there.Store(1)
	url := door(t, port, func(context.Context, string) ([]string, error) { return addresses[:there.Load()], nil })
	post(t, url, "")
	there.Store(2)
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, text := post(t, url, ""); strings.HasPrefix(text, addresses[1]) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the second instance was never asked")
		}
	}
}

// problem is what a client reads of a 502.
func problem(t *testing.T, url string) (status int, kind, detail string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p struct{ Detail string }
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), p.Detail
}

func TestAServiceThatDoesNotAnswerIsNamed(t *testing.T) {
	t.Parallel()
	addresses, port, servers := instances(t, 2, named)
	servers[0].Close()
	servers[1].Close()
	breaking, breakingPort, _ := instances(t, 1, func(string) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	tests := map[string]struct{ url, detail string }{
		"nobody there": {door(t, port, always(addresses...)), "No instance of the order service can be reached. The request was not passed on."},
		"no address":   {door(t, port, always()), "No instance of the order service can be reached. The request was not passed on."},
		"no such name": {door(t, port, func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") }),
			"No instance of the order service can be reached. The request was not passed on."},
		"broke off": {door(t, breakingPort, always(breaking...)), "The order service broke off before it answered. Whether the request was carried out is not known."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, kind, detail := problem(t, tt.url)
			if status != http.StatusBadGateway || kind != "application/problem+json" || detail != tt.detail {
				t.Errorf("got %d %s %q", status, kind, detail)
			}
		})
	}
}

func TestSentRequestIsNotRetriedElsewhere(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	addresses, port, _ := instances(t, 3, func(string) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1); panic(http.ErrAbortHandler) })
	})
	if status, _ := post(t, door(t, port, always(addresses...)), "order"); status != http.StatusBadGateway {
		t.Errorf("got %d", status)
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("%d instances were asked", n)
	}
}

func TestARequestAndItsAnswerPassUnchanged(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, URI, Host, Key, Encoding, Body string }
	var got seen
	addresses, port, _ := instances(t, 1, func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = seen{r.Method, r.RequestURI, r.Host, r.Header.Get("Idempotency-Key"), r.Header.Get("Accept-Encoding"), string(body)}
			w.Header().Set("Location", "/orders/1")
			w.WriteHeader(http.StatusAccepted)
		})
	})
	url := door(t, port, always(addresses...))
	req, err := http.NewRequest(http.MethodPost, url+"/orders/a%2Fb?wait=30s&x=a;b", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", "k-1")
	plain := &http.Transport{DisableCompression: true} // so that it asks for no encoding
	defer plain.CloseIdleConnections()
	resp, err := plain.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	want := seen{"POST", "/orders/a%2Fb?wait=30s&x=a;b", strings.TrimPrefix(url, "http://"), "k-1", "", "{}"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
	if resp.StatusCode != http.StatusAccepted || resp.Header.Get("Location") != "/orders/1" {
		t.Errorf("answer %d, Location %q", resp.StatusCode, resp.Header.Get("Location"))
	}
}

func TestAStreamArrivesAsItIsWritten(t *testing.T) {
	t.Parallel()
	next := make(chan string)
	addresses, port, _ := instances(t, 1, func(string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for event := range next {
				fmt.Fprintf(w, "data: %s\n\n", event)
				_ = http.NewResponseController(w).Flush()
			}
		})
	})
	go func() { next <- "one" }()
	resp, err := http.Get(door(t, port, always(addresses...)))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for _, event := range []string{"one", "two"} {
		line, err := lines.ReadString('\n') // before the next one is written
		if err != nil || line != "data: "+event+"\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		_, _ = lines.ReadString('\n')
		if event == "one" {
			next <- "two"
		}
	}
	close(next)
}
