package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// RegistryAway is a registry that is missing when the services start, and again later.
// It comes back without its state.
func RegistryAway() Story {
	return Story{"registry away", "Without a registry no service is ready at first; once they are, orders go on without it. It returns empty and gives old ids to other schemas: every record is still read as what it is.", ProcessControl, func(ctx context.Context, w *World) error {
		if err := w.startWithoutRegistry(ctx); err != nil {
			return err
		}
		if err := w.happily(ctx); err != nil {
			return err
		}
		w.Say("the registry is killed")
		if err := w.Control.Kill("registry"); err != nil {
			return err
		}
		if err := w.happily(ctx); err != nil {
			return fmt.Errorf("without a registry: %w", err)
		}
		if err := w.backWithoutMemory(ctx); err != nil {
			return err
		}
		if err := w.happily(ctx); err != nil {
			return fmt.Errorf("with a registry that has other schemas under the old ids: %w", err)
		}
		// A service that restarts registers anew and writes with new ids. The
		// others read both the old ids and the new ones.
		if err := w.restart(ctx, "order"); err != nil {
			return err
		}
		return w.happily(ctx)
	}}
}

// RegistryKilled is a registry that is killed right after an answer, and must still have
// the id that it gave. Records by foreign producers have nothing but its ids, for as
// long as they are on the topics.
func RegistryKilled() Story {
	return Story{"registry killed", "Killed right after it gave an id to a schema, the registry comes back and knows it: every id stands for what it stood for, and older records are read by their ids alone.", ProcessControl, func(ctx context.Context, w *World) error {
		order, err := w.readByID(ctx)
		if err != nil {
			return err
		}
		const schema = `{"type":"record","name":"Latest","namespace":"somebody.else","fields":[{"name":"orderId","type":"string"}]}`
		id, err := w.register(ctx, "somebody-else", schema)
		if err == nil {
			err = w.Control.Kill("registry")
		}
		if err == nil {
			err = w.back(ctx, "registry")
		}
		if err != nil {
			return err
		}
		// No client registers this schema again: the registry has kept it, or has lost it.
		var kept struct{ Schema string }
		if err := w.get(ctx, fmt.Sprintf("%s/schemas/ids/%d", w.Registry, id), &kept); err != nil {
			return fmt.Errorf("the registry does not know what it gave the id %d to: %w", id, err)
		}
		if !strings.Contains(kept.Schema, `"Latest"`) {
			return fmt.Errorf("the id %d stood for somebody.else.Latest, and now for %s", id, kept.Schema)
		}
		return errors.Join(w.namedByID(ctx, order), w.happily(ctx))
	}}
}

// RegistryForgets is a registry that loses its state while customers place orders. Only
// the services themselves register their schemas again.
func RegistryForgets() Story {
	return Story{"registry forgets", "Under load the registry is killed, returns empty, and gives old ids to other schemas. Orders go on; the services register again by themselves, and what they write from then on can be read by its id alone.", ProcessControl, func(ctx context.Context, w *World) error {
		load, err := w.Customers(ctx, 4)
		if err != nil {
			return err
		}
		err = load.Further(ctx, 20)
		if err == nil {
			err = w.Control.Kill("registry")
		}
		if err == nil {
			err = load.Further(ctx, 10)
		}
		if err == nil {
			err = w.backWithoutMemory(ctx)
		}
		if err == nil {
			err = load.Further(ctx, 10)
		}
		if err == nil {
			_, err = w.readByID(ctx)
		}
		if err := errors.Join(err, load.Stop()); err != nil {
			return err
		}
		return w.allEnded(ctx)
	}}
}

// readByID places orders, which all complete. It returns the first one whose records can
// be read with only their schema ids and the registry. After a registry has
// lost its state, the services take some seconds to learn its new ids.
func (w *World) readByID(ctx context.Context) (order string, err error) {
	var last error
	for ctx.Err() == nil {
		if order, err = w.orderWith(ctx, func(*Placement) {}); err == nil {
			err = w.End(ctx, order, "completed", "")
		}
		if err == nil {
			_, err = w.Told(ctx, order, "order_completed")
		}
		if err != nil {
			return "", errors.Join(err, last)
		}
		if last = w.namedByID(ctx, order); last == nil {
			return order, nil
		}
	}
	return "", fmt.Errorf("waited in vain until what the services write can be read by its id: %w", errors.Join(context.Cause(ctx), last))
}

// namedByID reads an order's records without their fingerprints. It fails for a record
// whose id stands for another schema.
func (w *World) namedByID(ctx context.Context, order string) error {
	topics, err := OpenTopics(w.Target) // with an empty cache of ids
	if err != nil {
		return err
	}
	facts, err := topics.History(ctx, order)
	if err != nil {
		return err
	}
	for _, f := range facts {
		written, err := topics.codec.Writer(ctx, f.value, "")
		if err != nil {
			return fmt.Errorf("read %s by its id: %w", f, err)
		}
		if written.Name() != f.Type {
			return fmt.Errorf("%s has the id of a %s", f, written.Name())
		}
	}
	return nil
}

// startWithoutRegistry stops the services and the registry, and starts the services
// again. When each reports at /readyz that it misses the registry, it starts the registry.
func (w *World) startWithoutRegistry(ctx context.Context) error {
	parts := append([]string{"registry"}, serviceNames...)
	if err := errors.Join(together(parts, w.Control.Terminate), together(serviceNames, w.Control.Start)); err != nil {
		return err
	}
	for _, name := range serviceNames {
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
	if err := w.Control.Start("registry"); err != nil {
		return err
	}
	return w.Control.WaitReady(ctx)
}

// backWithoutMemory starts a killed registry with empty state, and registers foreign
// schemas under the ids from before.
func (w *World) backWithoutMemory(ctx context.Context) error {
	facts, err := w.Topics.Read(ctx)
	if err != nil {
		return err
	}
	used := map[int]bool{}
	for _, f := range facts {
		used[f.schemaID()] = true
	}
	if err := errors.Join(w.Control.Forget("registry"), w.back(ctx, "registry")); err != nil {
		return err
	}
	w.Say("the registry is back and knows nothing")
	ids, err := w.squat(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(ids, func(id int) bool { return used[id] }) {
		return fmt.Errorf("the registry has lost nothing: it gave out ids %v, and none of them is on a record from before", ids)
	}
	return nil
}

// happily places an order that must complete.
func (w *World) happily(ctx context.Context) error {
	order, err := w.orderWith(ctx, func(*Placement) {})
	if err != nil {
		return err
	}
	return w.End(ctx, order, "completed", "")
}

// squat registers 40 foreign schemas, which take the ids of the system's records on the
// topics, and returns their ids.
func (w *World) squat(ctx context.Context) ([]int, error) {
	ids := make([]int, 40)
	for i := range ids {
		schema := fmt.Sprintf(`{"type":"record","name":"Squatter%d","namespace":"somebody.else","fields":[{"name":"orderId","type":"string"}]}`, i)
		var err error
		if ids[i], err = w.register(ctx, fmt.Sprintf("somebody-else-%d", i), schema); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// register registers a schema, as any producer does, and returns its id.
func (c *Client) register(ctx context.Context, subject, schema string) (int, error) {
	var answer struct{ ID int }
	body := map[string]any{"schema": schema}
	err := c.post(ctx, c.Registry+"/subjects/"+url.PathEscape(subject)+"/versions", "", body, &answer)
	return answer.ID, err
}

// SchemaID looks up the id of a registered schema, as a foreign producer does before it
// writes.
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
