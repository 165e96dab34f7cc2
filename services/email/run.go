package email

import (
	"cmp"
	"fmt"
	"net/mail"
	"time"

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/schemas"
)

// Config is what email reads from its environment.
type Config struct {
	service.Config
	SMTPAddr string        `env:"SMTP_ADDR"` // default 127.0.0.1:PORT_BASE+25
	From     string        `env:"MAIL_FROM" envDefault:"orders@quintet.example"`
	Calls    service.Calls `envPrefix:"MAIL_"`
}

// configured reads the configuration. Its error names every variable that is wrong.
func configured() (Config, error) {
	c := Config{Calls: service.Calls{Timeout: 5 * time.Second, Attempts: 130, Budget: 10 * time.Minute}}
	wrong := service.Load(&c, &c.Config, Flow.Service, 5)
	c.SMTPAddr = cmp.Or(c.SMTPAddr, fmt.Sprintf("127.0.0.1:%d", c.PortBase+25))
	_, err := newSender(c.SMTPAddr, c.From, c.Calls.Timeout)
	wrong.Unless(err == nil, fmt.Sprintf("SMTP_ADDR must be host:port: %v", err))
	from, err := mail.ParseAddress(c.From)
	wrong.Unless(err == nil && from.Address == c.From, fmt.Sprintf("MAIL_FROM must be a bare mail address, not %q", c.From))
	c.Calls.Check("MAIL_", &wrong)
	return c, wrong.Err(Flow.Service)
}

// New is email, configured by its environment.
func New() (service.Service[Mailbox], error) {
	c, err := configured()
	return service.Service[Mailbox]{
		Config: c.Config, Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS, OpenAPI: openapi,
		CallHandlers: callHandlers(c), Routes: routes,
	}, err
}
