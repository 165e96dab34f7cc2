package inventory

import (
	"context"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas"
)

// Config is what inventory reads from its environment.
type Config struct {
	service.Config
}

// ConfigFromEnv reads the configuration. Its error names every variable that
// is wrong.
func ConfigFromEnv() (Config, error) {
	var c Config
	wrong := service.Load(&c, &c.Config, Flow.Service, 2)
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
func Parts(Config) (service.Parts[Reservation], error) {
	spec, err := web.LoadSpec(openapi)
	if err != nil {
		return service.Parts[Reservation]{}, fmt.Errorf("the service's own document: %w", err)
	}
	return service.Parts[Reservation]{
		Participant: Flow,
		Store:       Shelves{},
		Migrations:  Migrations(),
		Contract:    schemas.FS,
		Routes:      func(e *echo.Echo, db *store.DB, submit service.Submit) { routes(e, spec, db.Read(), submit) },
	}, nil
}
