package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/quintet-eda/quintet/deploy/local"
)

const readyBound = 60 * time.Second // of the whole stack, from the first start

// skus are the articles that a new stack has in stock.
var skus = []string{"mug", "poster", "shirt"}

type up struct{}

// Run starts the stack and returns when it has stopped. It returns an error when a
// process could not start or died. After Ctrl-C or SIGTERM it returns only the errors
// of the stop.
func (up) Run(at place) error {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	stack, err := local.New(local.Options{BinDir: at.Bin, DataDir: at.Data, PortBase: at.PortBase})
	if errors.Is(err, local.ErrPortTaken) {
		return fmt.Errorf("%w; take others: PORT_BASE=%d make run", err, at.PortBase+1000)
	}
	if err != nil {
		return err
	}
	err = serve(ctx, stack, at)
	if ctx.Err() != nil {
		err = nil // asked to stop, perhaps before all was ready
		fmt.Println("Stopping.")
	}
	return errors.Join(err, stack.Stop())
}

func serve(ctx context.Context, stack *local.Stack, at place) error {
	begun := time.Now()
	bounded, cancel := context.WithTimeout(ctx, readyBound)
	defer cancel()
	if err := stack.Up(bounded); err != nil {
		return err
	}
	if err := stock(bounded, stack.URL("inventory")); err != nil {
		return err
	}
	fmt.Printf("Quintet is up after %.1f s.\n\n", time.Since(begun).Seconds())
	greet(stack, at)
	select {
	case <-ctx.Done():
		return nil
	case err := <-stack.Died():
		return err
	}
}

// stock fills the shelves once in the life of a data directory. The key of each
// delivery is always the same, so that the inventory service recognizes a repeated one.
func stock(ctx context.Context, inventory string) error {
	for _, sku := range skus {
		url := inventory + "/stock/" + sku + "/receive"
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"quantity":1000}`))
		if err != nil {
			return fmt.Errorf("stock %s: %w", sku, err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "first-delivery-of-"+sku)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("stock %s: %w", sku, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 300 {
			return fmt.Errorf("stock %s: %s", sku, resp.Status)
		}
	}
	return nil
}

func greet(stack *local.Stack, at place) {
	for _, name := range local.Names() {
		fmt.Printf("  %-10s %s\n", name, stack.URL(name))
	}
	fmt.Printf(`
State is in %s, logs are in %s. On the shelves: %s.

Place an order:

  curl -i %s/orders -H 'Content-Type: application/json' -d '{
    "customerId": "c-1", "email": "ada@example.com", "currency": "EUR", "paymentToken": "tok_ok",
    "shippingAddress": {"name": "Ada", "line1": "1 Main Street", "city": "Turin", "postcode": "10121", "country": "IT"},
    "lines": [{"sku": "mug", "quantity": 2, "unitPrice": 1250}]}'

and see how it ends, with the orderId of the answer:

  curl '%[4]s/orders/ORDER_ID?wait=5s'

Ctrl-C stops everything.
`, at.Data, filepath.Join(at.Data, "logs"), strings.Join(skus, ", "), stack.URL("order"))
}
