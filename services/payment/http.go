package payment

import (
	"cmp"
	_ "embed" // the API's document

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/schemas/events"
)

//go:embed openapi.yaml
var openapi []byte

func routes(a *service.API) {
	a.GET("/payments/:orderId", service.Resource[Payment]{Table: payments, Nobody: "No payment is known for this order.", View: shown}.Get(a))
}

// view is a payment as others may see it: never the token.
type view struct {
	OrderID   string        `json:"orderId"`
	PaymentID string        `json:"paymentId,omitempty"`
	Status    Status        `json:"status"`
	Amount    int64         `json:"amount,omitempty"` // minor units
	Currency  string        `json:"currency,omitempty"`
	Reason    events.Reason `json:"reason,omitempty"`
}

func shown(p Payment) any {
	return view{OrderID: p.OrderID, PaymentID: p.ID, Status: cmp.Or(p.Status, "waiting"), Amount: p.Due, Currency: p.Currency, Reason: p.Reason}
}
