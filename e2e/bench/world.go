package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/deploy/local"
	"github.com/quintet-eda/quintet/e2e"
)

// The worlds that there are.
const (
	Embedded = "embedded" // broker and registry of deploy/local, SQLite
	Real     = "real"     // Kafka, PostgreSQL and Apicurio in containers
)

// World brings up what all arms have in common. Processes run on the host in both
// worlds, so that an arm's cost is read in the same way.
type World struct {
	Name string
	Bin  string // broker, registry and sandbox
	Dir  string // of docker-compose.yml
	// Profile has ours profiled too, which costs it a hundredth or two.
	Profile bool
}

// System is one arm that runs, on a state of its own.
type System struct {
	Target e2e.Target
	arm    Arm
	stack  *local.Stack
	parts  map[string]int              // process ids, by name
	prof   map[string]string           // where services answer for profiles, by name
	admin  string                      // address of the database server for its superuser; empty: SQLite
	login  func(service string) string // address of a service's database; nil: SQLite
	poison *poisoner                   // nil: none
	down   []func() error              // in the order of the steps up
}

// Up starts an arm on fresh databases and topics.
func (w World) Up(ctx context.Context, arm Arm) (*System, error) {
	s := &System{arm: arm, parts: map[string]int{}}
	if err := w.up(ctx, s); err != nil {
		return nil, errors.Join(fmt.Errorf("start arm %s: %w", arm.Name, err), s.Down())
	}
	return s, nil
}

func (w World) up(ctx context.Context, s *System) error {
	base, release, err := local.ReservePortBase()
	if err != nil {
		return err
	}
	s.down = append(s.down, func() error { release(); return nil })
	dir, err := os.MkdirTemp("", "quintet-bench-")
	if err != nil {
		return err
	}
	s.down = append(s.down, func() error { return os.RemoveAll(dir) })
	bin, err := w.wrap(s.arm, dir)
	if err != nil {
		return err
	}
	s.Target = e2e.At(base)
	names := slices.Concat([]string{"broker", "registry", "sandbox"}, s.arm.services)
	var c *containers
	env := map[string][]string{}
	for _, name := range s.arm.services {
		env[name] = s.arm.env
	}
	if w.Name == Real {
		names = names[2:]
		c = newContainers(w.Dir, base)
		s.down = append(s.down, c.down) // after the services, which publish what is left
		s.Target.Registry, s.Target.Brokers, s.admin = c.registry(), []string{c.broker()}, c.database("postgres")
		s.login = c.database
		for _, name := range s.arm.services {
			env[name] = slices.Concat(env[name], []string{"DATABASE_URL=" + c.database(name), "KAFKA_BROKERS=" + c.broker(), "SCHEMA_REGISTRY_URL=" + c.registry()})
		}
	}
	if w.Profile && s.arm.Proof == OfStates {
		if s.prof, err = profiled(s.arm.services); err != nil {
			return err
		}
		for name, address := range s.prof {
			env[name] = slices.Concat(env[name], []string{"PROFILE_ADDR=" + address})
		}
	}
	// The stack looks whether its ports are free, so it comes before the containers.
	s.stack, err = local.New(local.Options{BinDir: bin, DataDir: filepath.Join(dir, "data"), PortBase: base, Env: env})
	if err != nil {
		return err
	}
	s.down = append(s.down, s.stack.Stop)
	if c != nil {
		pids, err := c.up(ctx, dir)
		if err != nil {
			return err
		}
		maps.Copy(s.parts, pids)
	}
	common := len(names) - len(s.arm.services)
	if err := s.start(ctx, names[:common]); err != nil {
		return err
	}
	if s.arm.Proof == OfAnswers && len(s.arm.services) > 0 {
		if err := createTopics(s.Target.Brokers); err != nil {
			return err
		}
	}
	if err := s.start(ctx, names[common:]); err != nil {
		return err
	}
	if s.arm.poison > 0 {
		if s.poison, err = newPoisoner(s.Target.Brokers); err != nil {
			return err
		}
		s.down = append(s.down, s.poison.close)
	}
	state, err := local.ReadState(filepath.Join(dir, "data"))
	maps.Copy(s.parts, state.PIDs)
	return err
}

// start starts processes and returns when they are ready.
func (s *System) start(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := s.stack.Start(name); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil // of a stack that is asked about none, all would have to be ready
	}
	return s.stack.WaitReady(ctx, names...)
}

// wrap makes a directory with a program for each part, as a stack wants it.
func (w World) wrap(arm Arm, dir string) (string, error) {
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return "", err
	}
	command := map[string][]string{}
	for _, name := range []string{"broker", "registry", "sandbox"} {
		command[name] = []string{filepath.Join(w.Bin, name)}
	}
	for _, name := range arm.services {
		command[name] = arm.command(name)
	}
	for name, words := range command {
		// exec: the process that is measured is the arm's, not a shell.
		text := "#!/bin/sh\nexec"
		for _, word := range words {
			text += " '" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text+"\n"), 0o755); err != nil {
			return "", err
		}
	}
	return bin, nil
}

// Down ends all of it and removes what it kept.
func (s *System) Down() error {
	var failed []error
	for _, step := range slices.Backward(s.down) {
		failed = append(failed, step())
	}
	s.down = nil
	return errors.Join(failed...)
}
