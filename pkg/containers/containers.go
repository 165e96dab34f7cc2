// Package containers starts the real components for tests: the broker, the
// registry and the database that Quintet is deployed on. A test that wants one
// stands behind the build tag "containers", and fails when there is no Docker.
package containers

import (
	"cmp"
	"os"
)

// image is an image's exact name, or what the variable that docker-compose.yml
// reads says instead.
func image(variable, name string) string { return cmp.Or(os.Getenv(variable), name) }
