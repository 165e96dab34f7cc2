// Command order runs the order service, configured by its environment.
package main

import (
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/services/order"
)

func main() { service.Main(order.New) }
