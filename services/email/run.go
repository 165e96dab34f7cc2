package email

import (
	"cmp"
	"context"
	"fmt"
	"net/mail"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/pkg/store"
	"github.com/quintet-eda/quintet/pkg/web"
	"github.com/quintet-eda/quintet/schemas"
)

// Config is what email reads from its environment.
type Config struct {
	service.Config
	SMTPAddr string        `env:"SMTP_ADDR"` // default 127.0.0.1:PORT_BASE+25
	From     string        `env:"MAIL_FROM" envDefault:"orders@quintet.example"`
	Timeout  time.Duration `env:"MAIL_TIMEOUT" envDefault:"5s"` // of one attempt
	Attempts int           `env:"MAIL_ATTEMPTS" envDefault:"130"`
	Budget   time.Duration `env:"MAIL_BUDGET" envDefault:"10m"` // of all attempts
}

// ConfigFromEnv reads the configuration and reports all that is wrong with it.
func ConfigFromEnv() (Config, error) {
	var c Config
	wrong := service.Load(&c, &c.Config, Flow.Service, 5)
	c.SMTPAddr = cmp.Or(c.SMTPAddr, fmt.Sprintf("127.0.0.1:%d", c.PortBase+25))
	_, err := newSender(c.SMTPAddr, c.From, c.Timeout)
	wrong.Unless(err == nil, fmt.Sprintf("SMTP_ADDR must be host:port: %v", err))
	from, err := mail.ParseAddress(c.From)
	wrong.Unless(err == nil && from.Address == c.From, fmt.Sprintf("MAIL_FROM must be a bare mail address, not %q", c.From))
	wrong.Unless(c.Timeout > 0, "MAIL_TIMEOUT must be positive")
	wrong.Unless(c.Attempts >= 1, "MAIL_ATTEMPTS must be at least 1")
	wrong.Unless(c.Budget > 0, "MAIL_BUDGET must be positive")
	return c, wrong.Err(Flow.Service)
}

// performer makes the calls of SendMail, each at most once.
func (c Config) performer() (flow.Performer, error) {
	s, err := newSender(c.SMTPAddr, c.From, c.Timeout)
	if err != nil {
		return flow.Performer{}, err
	}
	return flow.Perform(flow.Policy{Timeout: c.Timeout, Attempts: c.Attempts, Elapsed: c.Budget, AtMostOnce: true}, s.send, givenUp), nil
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
func Parts(c Config) (service.Parts[Mailbox], error) {
	spec, err := web.LoadSpec(openapi)
	if err != nil {
		return service.Parts[Mailbox]{}, fmt.Errorf("the service's own document: %w", err)
	}
	mails, err := c.performer()
	if err != nil {
		return service.Parts[Mailbox]{}, err
	}
	return service.Parts[Mailbox]{
		Participant: Flow,
		Store:       Store(),
		Migrations:  Migrations(),
		Contract:    schemas.FS,
		Performers:  []flow.Performer{mails},
		Routes:      func(e *echo.Echo, db *store.DB, _ service.Submit) { routes(e, spec, db.Read()) },
	}, nil
}
