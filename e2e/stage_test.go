package e2e_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/quintet-eda/quintet/deploy/local"
	. "github.com/quintet-eda/quintet/e2e"
	"github.com/quintet-eda/quintet/e2e/compose"
)

// settings choose the system on which the stories are played.
type settings struct {
	// Target is local, compose or url.
	//   - local: each story on a system of its own, of local processes.
	//   - compose: all on one of containers, brought up for them and removed
	//     after them. With COMPOSE_PROJECT_NAME and PORT_BASE, on one that runs.
	//   - url: all on the one that ORDER_URL and the other variables of [Target]
	//     name.
	Target    string `env:"TARGET" envDefault:"local"`
	Project   string `env:"COMPOSE_PROJECT_NAME"`
	PortBase  int    `env:"PORT_BASE"`
	Instances int    `env:"INSTANCES" envDefault:"2"` // of each service; compose only
}

// stage is where stories are played.
type stage interface {
	// open returns a system that is up.
	open(ctx context.Context, t *testing.T) (Target, Control)
	// shared reports whether all stories are played on one system.
	shared() bool
	close() error
}

func newStage() (stage, time.Duration, error) {
	s, err := env.ParseAs[settings]()
	if err != nil {
		return nil, 0, err
	}
	switch s.Target {
	case "local":
		bound := time.Minute
		if raced {
			bound *= 2 // everything takes several times as long
		}
		return &localStage{}, bound, nil
	case "compose":
		return &composeStage{settings: s}, 4 * time.Minute, nil // the start of two JVMs on a busy machine takes a minute
	case "url":
		t, err := FromEnvironment()
		return urlStage{t}, 3 * time.Minute, err // it may have the services' default timeouts
	}
	return nil, 0, fmt.Errorf("TARGET is %q and must be local, compose or url", s.Target)
}

// urlStage is another team's system. The tests must not touch its processes.
type urlStage struct{ target Target }

func (s urlStage) open(context.Context, *testing.T) (Target, Control) { return s.target, nil }
func (s urlStage) shared() bool                                       { return true }
func (s urlStage) close() error                                       { return nil }

// composeStage is one system of containers for all stories.
type composeStage struct {
	settings
	stack *compose.Stack
	own   bool   // brought up here, to be removed in the end
	free  func() // gives the ports back
}

func (s *composeStage) open(ctx context.Context, t *testing.T) (Target, Control) {
	t.Helper()
	if s.stack == nil {
		if err := s.up(ctx, t); err != nil {
			t.Fatal(err)
		}
	}
	return s.stack.Target(), s.stack
}

func (s *composeStage) up(ctx context.Context, t *testing.T) error {
	var err error
	if s.PortBase == 0 {
		if s.PortBase, s.free, err = local.ReservePortBase(); err != nil {
			return err
		}
	}
	if s.Project == "" {
		s.Project = fmt.Sprintf("quintet-e2e-%d", s.PortBase)
	}
	o := compose.Options{Dir: "..", Project: s.Project, PortBase: s.PortBase, Instances: s.Instances, Env: map[string][]string{}}
	for _, name := range []string{"payment", "shipping", "email"} {
		o.Env[name] = hasty
	}
	if s.stack, err = compose.New(o); err != nil {
		return err
	}
	running, err := s.stack.Running(ctx)
	if err != nil || running {
		return err
	}
	s.own = true
	begun := time.Now()
	err = s.stack.Up(ctx)
	t.Logf("%s was up after %.1f s", s.Project, time.Since(begun).Seconds())
	return err
}

func (s *composeStage) shared() bool { return true }

func (s *composeStage) close() error {
	if s.free != nil {
		defer s.free()
	}
	switch {
	case s.stack == nil:
		return nil
	case s.own:
		return s.stack.Down()
	}
	return s.stack.Close()
}

// report prints the stories that were not played, with the reasons. A passing test prints
// neither.
func report(notPlayed []string) {
	if len(notPlayed) > 0 {
		fmt.Fprintf(os.Stdout, "NOT PLAYED:\n  %s\n", strings.Join(notPlayed, "\n  "))
	}
}
