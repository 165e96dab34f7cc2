package shipping

import (
	"cmp"
	"time"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/schemas"
)

// Config is what shipping reads from its environment.
type Config struct {
	service.Config
	URL   string        `env:"CARRIER_URL"` // default http://127.0.0.1:PORT_BASE+10
	Calls service.Calls `envPrefix:"CARRIER_"`
}

// configured reads the configuration. Its error names every variable that is wrong.
func configured() (Config, error) {
	c := Config{Calls: service.Calls{Timeout: 3 * time.Second, Attempts: 12, Budget: 30 * time.Second}} // of a booking
	wrong := service.Load(&c, &c.Config, Flow.Service, 4)
	c.URL = cmp.Or(c.URL, c.Local(10))
	wrong.URL("CARRIER_URL", c.URL)
	c.Calls.Check("CARRIER_", &wrong)
	return c, wrong.Err(Flow.Service)
}

// New is shipping, configured by its environment.
func New() (service.Service[Shipment], error) {
	c, err := configured()
	return service.Service[Shipment]{
		Config: c.Config, Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS, OpenAPI: openapi,
		CallHandlers: callHandlers(c), Routes: routes,
	}, err
}
