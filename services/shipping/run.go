package shipping

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas"
)

// Config is what shipping reads from its environment.
type Config struct {
	service.Config
	URL      string        `env:"CARRIER_URL"`                      // default http://127.0.0.1:PORT_BASE+10
	Timeout  time.Duration `env:"CARRIER_TIMEOUT" envDefault:"3s"`  // of one call
	Attempts int           `env:"CARRIER_ATTEMPTS" envDefault:"12"` // of a booking, before it is given up
	Budget   time.Duration `env:"CARRIER_BUDGET" envDefault:"30s"`  // of a booking, from its first attempt on
}

// ConfigFromEnv reads the configuration and reports all that is wrong with it.
func ConfigFromEnv() (Config, error) {
	var c Config
	wrong := service.Load(&c, &c.Config, Flow.Service, 4)
	c.URL = cmp.Or(c.URL, fmt.Sprintf("http://127.0.0.1:%d", c.PortBase+10))
	u, err := url.Parse(c.URL)
	wrong.Unless(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "CARRIER_URL must be an http or https URL")
	wrong.Unless(c.Timeout > 0, "CARRIER_TIMEOUT must be positive")
	wrong.Unless(c.Attempts >= 1, "CARRIER_ATTEMPTS must be at least 1")
	wrong.Unless(c.Budget > 0, "CARRIER_BUDGET must be positive")
	return c, wrong.Err(Flow.Service)
}

// Run runs shipping until ctx ends.
func Run(ctx context.Context, c Config) error {
	parts, err := Parts(c)
	if err != nil {
		return err
	}
	return service.Run(ctx, c.Config, parts)
}

// Parts are what the service is made of.
func Parts(c Config) (service.Parts[Shipment], error) {
	spec, err := web.LoadSpec(openapi)
	if err != nil {
		return service.Parts[Shipment]{}, fmt.Errorf("the service's own document: %w", err)
	}
	return service.Parts[Shipment]{
		Participant: Flow,
		Store:       Store(),
		Migrations:  Migrations(),
		Contract:    schemas.FS,
		Performers:  performers(c),
		Routes:      routes(spec),
	}, nil
}
