//go:build containers

package registry_test

import (
	"context"
	"testing"

	"github.com/quintet-eda/quintet/pkg/containers"
)

func TestARealRegistryConforms(t *testing.T) {
	real, err := containers.StartRegistry(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := real.Terminate(context.Background()); err != nil {
			t.Error(err)
		}
	})
	conforms(t, real.URL())
	t.Run("and differs as it is written", func(t *testing.T) { differs(t, real.URL(), apicurio) })
}
