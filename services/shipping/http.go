package shipping

import (
	"cmp"
	_ "embed" // the API's document

	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/schemas/events"
)

//go:embed openapi.yaml
var openapi []byte

func routes(a *service.API) {
	a.GET("/shipments/:orderId", service.Resource[Shipment]{Table: shipments, Nobody: "No shipment is known for this order.", View: shown}.Get(a))
}

// view is a shipment as others may see it: never the address.
type view struct {
	OrderID        string        `json:"orderId"`
	ShipmentID     string        `json:"shipmentId,omitempty"`
	Status         Status        `json:"status"`
	TrackingNumber string        `json:"trackingNumber,omitempty"`
	Reason         events.Reason `json:"reason,omitempty"`
}

func shown(s Shipment) any {
	return view{OrderID: s.OrderID, ShipmentID: s.ID, Status: cmp.Or(s.Status, "waiting"), TrackingNumber: s.TrackingNumber, Reason: s.Reason}
}
