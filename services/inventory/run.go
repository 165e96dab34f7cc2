package inventory

import (
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/schemas"
)

// New is inventory, configured by its environment. Its error names every variable that
// is wrong.
func New() (service.Service[Reservation], error) {
	var c service.Config
	wrong := service.Load(&c, &c, Flow.Service, 2)
	return service.Service[Reservation]{
		Config: c, Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS, OpenAPI: openapi,
		Routes: routes,
	}, wrong.Err(Flow.Service)
}
