package order

import (
	"time"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/schemas"
)

// Config is what order reads from its environment.
type Config struct {
	service.Config
	Deadline time.Duration `env:"ORDER_DEADLINE" envDefault:"15m"` // after it, order requests the cancellation
}

// configured reads the configuration. Its error names every variable that is wrong.
func configured() (Config, error) {
	var c Config
	wrong := service.Load(&c, &c.Config, Flow.Service, 1)
	wrong.Unless(c.Deadline > 0, "ORDER_DEADLINE must be positive")
	return c, wrong.Err(Flow.Service)
}

// New is order, configured by its environment.
func New() (service.Service[Order], error) {
	c, err := configured()
	return service.Service[Order]{
		Config: c.Config, Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS, OpenAPI: openapi,
		Routes: func(a *service.API) { routes(a, c.Deadline) }, Watched: true,
	}, err
}
