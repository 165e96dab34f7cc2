// Command fake replaces any process of the stack but the broker and the registry. It
// listens at the port of the process of its own name, and is ready once the registry
// answers. FAKE makes it misbehave: "fail" at once, "deaf" to SIGTERM.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
)

var offsets = map[string]int{"sandbox": 10, "order": 1, "inventory": 2, "payment": 3, "shipping": 4, "email": 5}

func main() {
	fmt.Println("starting")
	if os.Getenv("FAKE") == "fail" {
		fmt.Println("the database is broken")
		os.Exit(3)
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)

	base, _ := strconv.Atoi(os.Getenv("PORT_BASE"))
	http.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := askRegistry(); err != nil {
			http.Error(w, "registry: "+err.Error(), http.StatusServiceUnavailable)
		}
	})
	http.HandleFunc("POST /stock/{sku}/receive", func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println("received", r.PathValue("sku"), r.Header.Get("Idempotency-Key"))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(base+offsets[filepath.Base(os.Args[0])]))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	go func() { _ = http.Serve(listener, nil) }()
	<-asked
	if os.Getenv("FAKE") == "deaf" {
		select {}
	}
	if err := askRegistry(); err != nil {
		fmt.Println("stopped too late:", err)
		return
	}
	fmt.Println("stopped cleanly")
}

func askRegistry() error {
	resp, err := http.Get(os.Getenv("SCHEMA_REGISTRY_URL") + "/readyz")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
