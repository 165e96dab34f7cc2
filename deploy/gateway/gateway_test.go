package gateway_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/deploy/gateway"
)

// free returns a port that nobody listens on at 127.0.0.1.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// answers waits until a URL is answered.
func answers(t *testing.T, url string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for {
		resp, err := http.Get(url)
		if err == nil {
			_ = resp.Body.Close()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal(err)
		}
	}
}

func TestShutdownFinishesRequestsInFlight(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	port, health := free(t), free(t)
	l, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Fatal(err)
	}
	service := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-finish
		_, _ = io.WriteString(w, "done")
	})}
	go func() { _ = service.Serve(l) }()
	t.Cleanup(func() { _ = service.Close() })

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- gateway.Run(ctx, gateway.Config{Services: []string{"127.0.0.2:" + port}, Host: "127.0.0.1", HealthPort: health})
	}()
	answers(t, "http://127.0.0.1:"+health+"/healthz")
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://127.0.0.1:" + port + "/orders")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		answer <- string(text)
	}()
	<-begun
	stop()
	for refused := false; !refused; { // it takes no more, which it does before it drains
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		refused = err != nil
		if err == nil {
			_ = conn.Close()
		}
	}
	close(finish)
	if got := <-answer; got != "done" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAGatewayThatCannotListenSaysSo(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken, _ := net.SplitHostPort(l.Addr().String())
	for name, c := range map[string]gateway.Config{
		"port taken":  {Host: "127.0.0.1", HealthPort: taken},
		"port twice":  {Host: "127.0.0.1", HealthPort: "0", Services: []string{"a:1", "b:1"}},
		"not an addr": {Host: "127.0.0.1", HealthPort: "0", Services: []string{"order"}},
	} {
		if err := gateway.Run(t.Context(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestHEADPassesAndIsAnsweredWithoutABody(t *testing.T) {
	t.Parallel()
	service, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method
		_, _ = io.WriteString(w, "four")
	})}
	go func() { _ = s.Serve(service) }()
	t.Cleanup(func() { _ = s.Close() })
	_, port, _ := net.SplitHostPort(service.Addr().String())
	health := free(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- gateway.Run(ctx, gateway.Config{Services: []string{"127.0.0.2:" + port}, Host: "127.0.0.1", HealthPort: health})
	}()
	answers(t, "http://127.0.0.1:"+health+"/healthz")
	for _, url := range []string{"http://127.0.0.1:" + health + "/healthz", "http://127.0.0.1:" + port + "/orders"} {
		resp, err := http.Head(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.ContentLength <= 0 {
			t.Errorf("%s: %s, length %d", url, resp.Status, resp.ContentLength)
		}
	}
	if method := <-asked; method != http.MethodHead {
		t.Errorf("passed on as %s", method)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
