package email

import (
	_ "embed" // the API's document

	"github.com/quintet-eda/quintet/pkg/service"
)

//go:embed openapi.yaml
var openapi []byte

func routes(a *service.API) {
	a.GET("/notifications/:orderId", service.Resource[Mailbox]{Table: mailboxes, Nobody: "No notification was ever asked for by this order.", View: shown}.Get(a))
}

// view is a mailbox as others may see it: never the address.
type view struct {
	OrderID       string   `json:"orderId"`
	Notifications []Notice `json:"notifications"`
}

func shown(m Mailbox) any { return view{m.OrderID, m.Notices} }
