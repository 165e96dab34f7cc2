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

// The names of the worlds.
const (
	Embedded = "embedded" // broker and registry of deploy/local, SQLite
	Real     = "real"     // Kafka, PostgreSQL and Apicurio in containers
)

// World brings up the parts that all arms share. An arm's processes run on the host in
// both worlds, so that its cost is measured in the same way.
type World struct {
	Name string
	Bin  string // broker, registry and sandbox
	Dir  string // of docker-compose.yml
	// Profile also profiles A, which costs A a hundredth or two.
	Profile bool
}

// System is one running arm, on a state of its own.
type System struct {
	Target e2e.Target
	arm    Arm
	stack  *local.Stack
	more   []*local.Stack              // further instances of the services
	data   []string                    // directories of the processes on this host
	parts  map[string][]int            // process ids, by name
	prof   map[string]string           // addresses of the services' profiles, by name
	admin  string                      // address of the database server for its superuser; empty: SQLite
	login  func(service string) string // address of a service's database; nil: SQLite
	poison *poisoner                   // nil: none
	down   []func() error              // in the order of the steps up
}

// Up starts an arm on fresh databases and topics.
func (w World) Up(ctx context.Context, arm Arm) (*System, error) {
	s := &System{arm: arm, parts: map[string][]int{}}
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
		c.logical = s.arm.relay != ""
		s.down = append(s.down, c.down) // after the services, which publish their outbox
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
	// The stack checks that its ports are free, so it comes before the containers.
	s.data = []string{filepath.Join(dir, "data")}
	s.stack, err = local.New(local.Options{BinDir: bin, DataDir: s.data[0], PortBase: base, Env: env})
	if err != nil {
		return err
	}
	s.down = append(s.down, s.stack.Stop)
	if c != nil {
		pids, err := c.up(ctx, dir)
		if err != nil {
			return err
		}
		for name, pid := range pids {
			s.parts[name] = []int{pid}
		}
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
	if s.arm.relay != "" {
		if c == nil {
			return errors.New("it reads PostgreSQL's log: measure it in the real world")
		}
		if err := s.relay(ctx, c, dir); err != nil {
			return err
		}
	}
	if s.arm.poison > 0 {
		if s.poison, err = newPoisoner(s.Target.Brokers); err != nil {
			return err
		}
		s.down = append(s.down, s.poison.close)
	}
	for n := 2; n <= s.arm.instances; n++ {
		if err := s.another(ctx, n, base, bin, filepath.Join(dir, fmt.Sprintf("data-%d", n)), env); err != nil {
			return err
		}
	}
	return s.know()
}

// another starts one more instance of each service, on ports of its own. It shares the
// first instances' outside world, whose ports follow from base.
func (s *System) another(ctx context.Context, n, base int, bin, data string, env map[string][]string) error {
	if s.login == nil {
		return errors.New("instances have their database in common, which SQLite cannot be: measure them in the real world")
	}
	ports, release, err := local.ReservePortBase()
	if err != nil {
		return err
	}
	s.down = append(s.down, func() error { release(); return nil })
	outside := s.stack.URL("sandbox")
	of := map[string][]string{}
	for _, name := range s.arm.services {
		of[name] = slices.Concat(env[name], []string{
			fmt.Sprintf("INSTANCE_ID=%s-%d", name, n), "PROFILE_ADDR=",
			"PROVIDER_URL=" + outside, "CARRIER_URL=" + outside, fmt.Sprintf("SMTP_ADDR=127.0.0.1:%d", base+25),
		})
	}
	stack, err := local.New(local.Options{BinDir: bin, DataDir: data, PortBase: ports, Env: of})
	if err != nil {
		return err
	}
	s.down = append(s.down, stack.Stop)
	s.more, s.data = append(s.more, stack), append(s.data, data)
	for _, name := range s.arm.services {
		if err := stack.Start(name); err != nil {
			return err
		}
	}
	return stack.WaitReady(ctx, s.arm.services...)
}

// know records the ids of the processes that run now.
func (s *System) know() error {
	now := map[string][]int{}
	for _, dir := range s.data {
		state, err := local.ReadState(dir)
		if err != nil {
			return err
		}
		for name, pid := range state.PIDs {
			now[name] = append(now[name], pid)
		}
	}
	maps.Copy(s.parts, now)
	return nil
}

// start starts processes and returns when they are ready.
func (s *System) start(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := s.stack.Start(name); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return nil // WaitReady without names would wait for all processes
	}
	return s.stack.WaitReady(ctx, names...)
}

// wrap makes a directory with a program for each part, as a stack requires it.
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

// Down ends all processes and containers, and removes their data.
func (s *System) Down() error {
	var failed []error
	for _, step := range slices.Backward(s.down) {
		failed = append(failed, step())
	}
	s.down = nil
	return errors.Join(failed...)
}
