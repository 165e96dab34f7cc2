// Command shipping runs the shipping service, configured by its environment.
package main

import (
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/services/shipping"
)

func main() { service.Main(shipping.New) }
