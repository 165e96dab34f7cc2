//go:build !containers

package engine_test

import (
	"path/filepath"
	"testing"
)

// database is where a test's state lives: this suite is one text, for SQLite
// here and for PostgreSQL with the build tag "containers".
func database(t *testing.T) (where string) { return filepath.Join(t.TempDir(), "tally.db") }

func shut() error { return nil }
