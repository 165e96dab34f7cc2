//go:build containers

package peers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/deploy/sandbox"
	"github.com/quintet-eda/quintet/e2e/peers/dualwrite"
	"github.com/quintet-eda/quintet/e2e/peers/naive"
	"github.com/quintet-eda/quintet/e2e/peers/peer"
	"github.com/quintet-eda/quintet/e2e/peers/watermill"
)

var arms = map[string]peer.Open{
	"naive": naive.Open, "logged": naive.OpenLogged, "unsafe": dualwrite.Open,
	"watermill": watermill.Documented.Open, "tuned": watermill.Tuned.Open,
}

// TestMain runs a service when the environment names an arm: the processes of a test
// are copies of it.
func TestMain(m *testing.M) {
	arm := os.Getenv("PEER_ARM")
	if arm == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	err := peer.Run(ctx, os.Getenv("PEER_SERVICE"), arms[arm])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const orders = 50

func TestEveryArmCompletesItsOrders(t *testing.T) {
	for _, arm := range []string{"naive", "logged", "unsafe", "watermill", "tuned"} {
		t.Run(arm, func(t *testing.T) {
			w := start(t, arm)
			w.post("inventory", "/stock/mug/receive", map[string]any{"quantity": 10 * orders})
			began := time.Now()
			var placing sync.WaitGroup
			for range orders {
				placing.Go(func() { w.post("order", "/orders", mug) })
			}
			placing.Wait()
			completed := w.completed()
			t.Logf("%d orders completed in %s", orders, time.Since(began).Round(time.Millisecond))
			if len(completed) != orders {
				t.Errorf("%d orders completed, want %d", len(completed), orders)
			}
			// Each order has two mails, and the last is sent after its end.
			w.eventually("every customer is told", func() bool {
				told := w.ledger("mails", "accepted")
				return told["OrderPlaced"] == orders && told["OrderCompleted"] == orders
			})
			if charged := len(w.ledger("payments", "captured")); charged != orders {
				t.Errorf("%d orders were charged, want %d", charged, orders)
			}
			for order, n := range w.ledger("payments", "captured") {
				if n != 1 || !completed[order] {
					t.Errorf("order %s was charged %d times, completed: %t", order, n, completed[order])
				}
			}
		})
	}
}

var mug = map[string]any{
	"customerId": "c-1", "email": "ada@example.com", "currency": "EUR", "paymentToken": "tok_ok",
	"shippingAddress": map[string]string{"name": "Ada", "line1": "1 Main Street", "city": "Turin", "postcode": "10121", "country": "IT"},
	"lines":           []map[string]any{{"sku": "mug", "quantity": 2, "unitPrice": 1250}},
}

func (w *world) post(service, path string, body any) {
	w.t.Helper()
	text, err := json.Marshal(body)
	must(w.t, err)
	answer, err := http.Post("http://"+w.addresses[service]+path, "application/json", bytes.NewReader(text))
	must(w.t, err)
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		said, _ := io.ReadAll(answer.Body)
		w.t.Fatalf("POST %s is answered %s: %s", path, answer.Status, said)
	}
}

// ledger counts the entries of an outcome: payments by order, mails by their kind.
func (w *world) ledger(name, outcome string) map[string]int {
	w.t.Helper()
	answer, err := http.Get("http://" + w.outside.HTTPAddr + "/ledger/" + name)
	must(w.t, err)
	defer answer.Body.Close()
	counts := map[string]int{}
	var entries []sandbox.Entry
	must(w.t, json.NewDecoder(answer.Body).Decode(&entries))
	for _, e := range entries {
		if e.Outcome != outcome {
			continue
		}
		if name == "mails" {
			counts[kindOf(e)]++
		} else {
			counts[e.OrderID]++
		}
	}
	return counts
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
