// Package e2e tells stories about the whole system and judges how they end. It
// knows the system from outside only: its HTTP APIs, its topics, and the
// ledgers of the outside world. It opens no database and no service's code,
// except for the five Flow tables, against which it holds what it sees.
//
// The stories are functions, so that the tests and the demo play the same ones.
package e2e

import "github.com/quintet-eda/quintet/deploy/local"

// Target says where a running system is.
type Target struct {
	Order, Inventory, Payment, Shipping, Email string // base URLs
	Sandbox                                    string // base URL of its HTTP side
	Registry                                   string // base URL
	Broker                                     string // host:port
}

// At is the system on this machine whose ports follow from portBase.
func At(portBase int) Target {
	of := func(name string) string { return local.URL(portBase, name) }
	return Target{
		Order: of("order"), Inventory: of("inventory"), Payment: of("payment"), Shipping: of("shipping"), Email: of("email"),
		Sandbox: of("sandbox"), Registry: of("registry"), Broker: of("broker"),
	}
}

// service is a participant and where it answers.
type service struct{ name, url string }

func (t Target) services() []service {
	return []service{{"order", t.Order}, {"inventory", t.Inventory}, {"payment", t.Payment}, {"shipping", t.Shipping}, {"email", t.Email}}
}

// url is where a participant answers; empty for a name that is none.
func (t Target) url(name string) string {
	for _, s := range t.services() {
		if s.name == name {
			return s.url
		}
	}
	return ""
}
