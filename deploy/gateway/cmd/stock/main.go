// Command stock fills the shelves of a new system, so that it is ready for orders. Each
// article gets a first delivery. The key of each delivery is always the same. So the
// inventory service recognizes a repeated one, however often this runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"
)

type config struct {
	Inventory string        `env:"INVENTORY_URL" envDefault:"http://127.0.0.1:8002"`
	SKUs      []string      `env:"SKUS" envDefault:"mug,poster,shirt"`
	Patience  time.Duration `env:"PATIENCE" envDefault:"2m"` // until the inventory service accepts a delivery
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stock:", err)
		os.Exit(1)
	}
}

func run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	c, err := env.ParseAs[config]()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Patience)
	defer cancel()
	for _, sku := range c.SKUs {
		if err := insist(ctx, c.Inventory, sku); err != nil {
			return err
		}
	}
	fmt.Println("on the shelves:", strings.Join(c.SKUs, ", "))
	return nil
}

// errRefused is returned when the inventory service will never accept a delivery.
var errRefused = errors.New("refused")

// insist delivers until the inventory service accepts or refuses the delivery, or ctx
// ends. The inventory service starts at its own pace.
func insist(ctx context.Context, inventory, sku string) error {
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		err := deliver(ctx, inventory, sku)
		if err == nil || errors.Is(err, errRefused) {
			return err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return err
		}
	}
}

func deliver(ctx context.Context, inventory, sku string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := inventory + "/stock/" + sku + "/receive"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(`{"quantity":1000}`))
	if err != nil {
		return fmt.Errorf("stock %s: %w: %w", sku, errRefused, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "first-delivery-of-"+sku)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("stock %s: %w", sku, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= 500:
		return fmt.Errorf("stock %s: %s", sku, resp.Status)
	case resp.StatusCode >= 300:
		return fmt.Errorf("stock %s: %w: %s", sku, errRefused, resp.Status)
	}
	return nil
}
