// Package containers starts the real components for tests: the broker, the
// registry and the database that Quintet is deployed on. A test that needs one has the
// build tag "containers", and fails without Docker.
package containers

import (
	"cmp"
	"os"
)

// image returns an image's exact name, unless the variable that docker-compose.yml
// reads names another one.
func image(variable, name string) string { return cmp.Or(os.Getenv(variable), name) }
