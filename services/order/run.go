package order

import (
	"context"
	"fmt"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas"
)

// Config is what the service reads from its environment.
type Config struct {
	service.Config
	Deadline time.Duration `env:"ORDER_DEADLINE" envDefault:"15m"` // after which an order is asked to be cancelled
}

// ConfigFromEnv reads the configuration and reports all that is wrong with it.
func ConfigFromEnv() (Config, error) {
	var c Config
	wrong := service.Load(&c, &c.Config, Flow.Service, 1)
	wrong.Unless(c.Deadline > 0, "ORDER_DEADLINE must be positive")
	return c, wrong.Err(Flow.Service)
}

// Run runs the service until ctx ends.
func Run(ctx context.Context, c Config) error {
	parts, err := Parts(c)
	if err != nil {
		return err
	}
	return service.Run(ctx, c.Config, parts)
}

// Parts are what the service is made of.
func Parts(c Config) (service.Parts[Order], error) {
	spec, err := web.LoadSpec(openapi)
	if err != nil {
		return service.Parts[Order]{}, fmt.Errorf("the service's own document: %w", err)
	}
	watchers := newWatchers()
	return service.Parts[Order]{
		Participant: Flow,
		Store:       Store(),
		Migrations:  Migrations(),
		Contract:    schemas.FS,
		Changed:     watchers.changed,
		Routes: func(e *echo.Echo, db *store.DB, submit service.Submit) {
			a := &api{db: db, submit: submit, spec: spec, watchers: watchers, deadline: c.Deadline}
			a.routes(e)
		},
	}, nil
}
