//go:build containers

package engine_test

import (
	"context"
	"sync"
	"testing"

	"github.com/quintet-eda/quintet/pkg/containers"
)

// server is the one that this run of the suite works on.
type server struct {
	once sync.Once
	pg   *containers.Postgres
	err  error
}

var real server

func (s *server) started() (*containers.Postgres, error) {
	s.once.Do(func() { s.pg, s.err = containers.StartPostgres(context.Background()) })
	return s.pg, s.err
}

// shut ends the server, when a test has started it.
func shut() error {
	if real.pg == nil {
		return nil
	}
	return real.pg.Stop(context.Background())
}

// database is a new database of a real server.
func database(t *testing.T) (where string) {
	t.Helper()
	pg, err := real.started()
	if err != nil {
		t.Fatal(err)
	}
	if where, err = pg.Database(t.Context(), "tally"); err != nil {
		t.Fatal(err)
	}
	return where
}
