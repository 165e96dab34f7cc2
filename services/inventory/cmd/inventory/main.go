// Command inventory runs the inventory service, configured by its environment.
package main

import (
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/services/inventory"
)

func main() { service.Main(inventory.New) }
