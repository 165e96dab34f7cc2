// Command payment runs the payment service, configured by its environment.
package main

import (
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/services/payment"
)

func main() { service.Main(payment.New) }
