package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestARegistryMayBeAwayAndMayLoseItsMemory(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), storyBound)
	defer cancel()
	s := alone(t)
	tell(ctx, t, s, RegistryAway(func() error { return os.RemoveAll(filepath.Join(s.dir, "registry")) }))
}
