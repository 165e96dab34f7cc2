package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// RegistryAway is a registry that is missing from the start, and again later,
// and that comes back without its memory. forget is called while it is down and
// makes it lose what it knew.
func RegistryAway(forget func() error) Story {
	return Story{"registry away", "Without a registry no service is ready at first; once they are, orders go on without it. It returns empty and gives old ids to other schemas: every record is still read as what it is.", func(ctx context.Context, w *World) error {
		if err := w.startWithoutRegistry(ctx); err != nil {
			return err
		}
		if err := w.happily(ctx); err != nil {
			return err
		}
		w.Say("the registry is killed")
		if err := w.Stack.Kill("registry"); err != nil {
			return err
		}
		if err := w.happily(ctx); err != nil {
			return fmt.Errorf("without a registry: %w", err)
		}
		if err := forget(); err != nil {
			return err
		}
		if err := w.back(ctx, "registry"); err != nil {
			return err
		}
		w.Say("the registry is back and knows nothing")
		if err := w.squat(ctx); err != nil {
			return err
		}
		if err := w.happily(ctx); err != nil {
			return fmt.Errorf("with a registry that has other schemas under the old ids: %w", err)
		}
		// A service that restarts registers anew and writes with new ids, which
		// the others read beside the old ones.
		if err := w.Stack.Terminate("order"); err != nil {
			return err
		}
		if err := w.back(ctx, "order"); err != nil {
			return err
		}
		return w.happily(ctx)
	}}
}

// startWithoutRegistry starts everything else, sees that the services say what
// they miss, and then starts the registry.
func (w *World) startWithoutRegistry(ctx context.Context) error {
	services := []string{"order", "inventory", "payment", "shipping", "email"}
	for _, name := range append([]string{"broker", "sandbox"}, services...) {
		if err := w.Stack.Start(name); err != nil {
			return err
		}
	}
	for _, name := range services {
		err := Until(ctx, name+" says that it misses the registry", func(ctx context.Context) (bool, error) {
			err := w.get(ctx, w.url(name)+"/readyz", nil)
			var r *Refusal
			return errors.As(err, &r) && r.Status == http.StatusServiceUnavailable && strings.Contains(r.Detail, "registry"), nil
		})
		if err != nil {
			return err
		}
	}
	w.Say("every service waits for the registry")
	if err := w.Stack.Start("registry"); err != nil {
		return err
	}
	return w.Stack.WaitReady(ctx)
}

// happily places an order that must complete.
func (w *World) happily(ctx context.Context) error {
	order, err := w.orderWith(ctx, func(*Placement) {})
	if err != nil {
		return err
	}
	return w.End(ctx, order, "completed", "")
}

// squat registers schemas of nobody's until they have taken every id that the
// system's records on the topics were written with.
func (w *World) squat(ctx context.Context) error {
	for i := range 40 {
		schema := fmt.Sprintf(`{"type":"record","name":"Squatter%d","namespace":"somebody.else","fields":[{"name":"orderId","type":"string"}]}`, i)
		if _, err := w.register(ctx, fmt.Sprintf("somebody-else-%d", i), schema); err != nil {
			return err
		}
	}
	return nil
}

// register registers a schema, as any producer does, and returns its id.
func (c *Client) register(ctx context.Context, subject, schema string) (int, error) {
	var answer struct{ ID int }
	body := map[string]any{"schema": schema}
	err := c.post(ctx, c.Registry+"/subjects/"+url.PathEscape(subject)+"/versions", "", body, &answer)
	return answer.ID, err
}

// SchemaID asks the registry for the id of a schema that somebody has registered,
// as a foreign producer does before it writes.
func (c *Client) SchemaID(ctx context.Context, subject string, version int) (id int, schema string, err error) {
	var answer struct {
		ID     int
		Schema string
	}
	address := fmt.Sprintf("%s/subjects/%s/versions/%d", c.Registry, url.PathEscape(subject), version)
	if err := c.get(ctx, address, &answer); err != nil {
		return 0, "", fmt.Errorf("find version %d of %s: %w", version, subject, err)
	}
	return answer.ID, answer.Schema, nil
}
