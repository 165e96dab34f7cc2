package e2e

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/quintet-eda/quintet/deploy/local"
)

// Target holds the addresses of a running system.
type Target struct {
	Order     string   `env:"ORDER_URL"` // these five are base URLs
	Inventory string   `env:"INVENTORY_URL"`
	Payment   string   `env:"PAYMENT_URL"`
	Shipping  string   `env:"SHIPPING_URL"`
	Email     string   `env:"EMAIL_URL"`
	Sandbox   string   `env:"SANDBOX_URL"`         // base URL of its HTTP side
	Registry  string   `env:"SCHEMA_REGISTRY_URL"` // base URL of its Confluent API
	Brokers   []string `env:"KAFKA_BROKERS"`       // host:port
	// Mail is the base URL of MailDev. The sandbox forwards accepted mails to it. Mail
	// is empty where the sandbox forwards none.
	Mail string `env:"MAIL_URL"`
}

// At is the system on this machine whose ports follow from portBase, with the
// embedded registry and without a MailDev.
func At(portBase int) Target {
	of := func(name string) string { return local.URL(portBase, name) }
	return Target{
		Order: of("order"), Inventory: of("inventory"), Payment: of("payment"), Shipping: of("shipping"), Email: of("email"),
		Sandbox: of("sandbox"), Registry: of("registry"), Brokers: []string{of("broker")},
	}
}

// confluentAPI is where the registry of a composed system has its Confluent API;
// the embedded registry has it at its root.
const confluentAPI = "/apis/ccompat/v7"

// Find is the system of the environment: the variables of [Target] where they are set.
// For the rest it is the system on this machine at portBase, embedded or composed: a
// composed one answers at its registry's Confluent API.
func Find(ctx context.Context, portBase int) (Target, error) {
	t, err := env.ParseAs[Target]()
	if err != nil {
		return t, err
	}
	here := At(portBase)
	if t.Registry == "" && answers(ctx, here.Registry+confluentAPI+"/subjects") {
		here.Registry += confluentAPI
	}
	t.Order, t.Inventory, t.Payment = cmp.Or(t.Order, here.Order), cmp.Or(t.Inventory, here.Inventory), cmp.Or(t.Payment, here.Payment)
	t.Shipping, t.Email = cmp.Or(t.Shipping, here.Shipping), cmp.Or(t.Email, here.Email)
	t.Sandbox, t.Registry = cmp.Or(t.Sandbox, here.Sandbox), cmp.Or(t.Registry, here.Registry)
	if len(t.Brokers) == 0 {
		t.Brokers = here.Brokers
	}
	return t, nil
}

// FromEnvironment is the system that the environment names, and no other: a missing
// variable is an error. Only MAIL_URL may be missing.
func FromEnvironment() (Target, error) {
	t, err := env.ParseAsWithOptions[Target](env.Options{RequiredIfNoDef: true})
	var several env.AggregateError
	if !errors.As(err, &several) {
		return t, err
	}
	var missing []error
	for _, e := range several.Errors {
		var unset env.VarIsNotSetError
		if errors.As(e, &unset) && unset.Key == "MAIL_URL" {
			continue
		}
		missing = append(missing, e)
	}
	return t, errors.Join(missing...)
}

func answers(ctx context.Context, url string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return NewClient(Target{}).call(ctx, http.MethodGet, url, "", nil, nil) == nil
}

// serviceNames are the participants, in the order of the story.
var serviceNames = []string{"order", "inventory", "payment", "shipping", "email"}

// url is a participant's base URL; empty for an unknown name.
func (t Target) url(name string) string {
	return map[string]string{"order": t.Order, "inventory": t.Inventory, "payment": t.Payment, "shipping": t.Shipping, "email": t.Email}[name]
}
