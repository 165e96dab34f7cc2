// Command email runs the email service, configured by its environment.
package main

import (
	"github.com/quintet-eda/quintet/pkg/service"
	"github.com/quintet-eda/quintet/services/email"
)

func main() { service.Main(email.New) }
