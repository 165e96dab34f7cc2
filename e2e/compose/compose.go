// Package compose runs the system of docker-compose.yml beside others, for stories, and
// controls its containers.
//
// It runs the docker command, as a person would, and nothing else: each step can be
// repeated by hand.
package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/quintet-eda/quintet/e2e"
)

// commandBound is how long one docker command may take. Commands of docker compose have
// no such bound.
const commandBound = 90 * time.Second

// Options describe the system.
type Options struct {
	Dir       string              // holds docker-compose.yml
	Project   string              // names its containers and volumes
	PortBase  int                 // all ports follow from it; a multiple of 100
	Instances int                 // of each of the five services
	Env       map[string][]string // by service: "KEY=value", on top of docker-compose.yml
	// Before is the version of an earlier build's images. As many instances of it run
	// beside the current ones, on the same database and in the same group. They start
	// first; the current instances are created and do not run. Empty: none.
	Before string
}

// Stack is a composed system. Its methods may be called from several goroutines.
type Stack struct {
	opts Options
	dir  string // holds the override file

	mu      sync.Mutex
	env     map[string][]string // by service, on top of the options' Env
	changed map[string]bool     // parts whose containers the next start recreates
}

var services = []string{"order", "inventory", "payment", "shipping", "email"}

// New prepares a system and starts nothing. A system whose containers already run under
// the same project is used as it is.
func New(opts Options) (*Stack, error) {
	if opts.PortBase%100 != 0 || opts.PortBase < 1100 || opts.PortBase > 60000 {
		return nil, fmt.Errorf("PORT_BASE %d must be a multiple of 100 between 1100 and 60000", opts.PortBase)
	}
	dir, err := os.MkdirTemp("", "quintet-compose-")
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", opts.Project, err)
	}
	s := &Stack{opts: opts, dir: dir, env: map[string][]string{}, changed: map[string]bool{}}
	return s, s.writeOverride()
}

// Target is where the system is.
func (s *Stack) Target() e2e.Target {
	t := e2e.At(s.opts.PortBase)
	t.Registry += "/apis/ccompat/v7"
	t.Mail = fmt.Sprintf("http://127.0.0.1:%d", s.opts.PortBase+80)
	return t
}

// Running reports whether any container of the system runs.
func (s *Stack) Running(ctx context.Context) (bool, error) {
	text, err := s.docker(ctx, "ps", "--quiet", "--filter", "label=com.docker.compose.project="+s.opts.Project)
	return text != "", err
}

// Up starts all containers, resumes the paused ones, and returns when all are healthy.
// Docker builds or pulls missing images.
func (s *Stack) Up(ctx context.Context) error {
	frozen, err := s.docker(ctx, "ps", "--quiet", "--filter", "status=paused", "--filter", "label=com.docker.compose.project="+s.opts.Project)
	if err == nil && frozen != "" {
		_, err = s.docker(ctx, append([]string{"unpause"}, strings.Fields(frozen)...)...)
	}
	if err != nil {
		return err
	}
	now := s.opts.Instances
	if s.opts.Before != "" {
		now = 0
	}
	up := append([]string{"up", "--detach", "--wait", "--quiet-pull"}, scale("", now)...)
	if s.opts.Before == "" {
		_, err = s.compose(ctx, up...)
		return err
	}
	if _, err = s.compose(ctx, append(up, scale(before, s.opts.Instances)...)...); err != nil {
		return err
	}
	create := append([]string{"up", "--no-start", "--no-deps", "--no-recreate"}, scale("", s.opts.Instances)...)
	_, err = s.compose(ctx, append(create, services...)...)
	return err
}

// scale returns the arguments for the number of instances of each service.
func scale(suffix string, instances int) (args []string) {
	for _, name := range services {
		args = append(args, "--scale", fmt.Sprintf("%s%s=%d", name, suffix, instances))
	}
	return args
}

// before is the suffix of a service whose instances are of the version before.
const before = "-before"

// Down removes the containers, their networks and their volumes, and calls Close.
func (s *Stack) Down() error {
	_, err := s.compose(context.Background(), "down", "--volumes", "--remove-orphans", "--timeout", "3")
	return errors.Join(err, s.Close())
}

// Close removes the directory that New created, and leaves the system as it is.
func (s *Stack) Close() error { return os.RemoveAll(s.dir) }

// writeOverride writes the services' settings on top of docker-compose.yml. The caller
// holds the lock, or has the only reference to s. JSON is YAML.
func (s *Stack) writeOverride() error {
	type of struct {
		File    string `json:"file"`
		Service string `json:"service"`
	}
	type service struct {
		Environment []string       `json:"environment,omitempty"`
		Image       string         `json:"image,omitempty"`
		Extends     *of            `json:"extends,omitempty"`
		Networks    map[string]any `json:"networks,omitempty"`
	}
	all := map[string]service{}
	file, err := filepath.Abs(s.file())
	if err != nil {
		return err
	}
	for _, name := range services {
		if env := slices.Concat(s.opts.Env[name], s.env[name]); len(env) > 0 {
			last := map[string]string{} // the last value of each variable
			for _, e := range env {
				key, _, _ := strings.Cut(e, "=")
				last[key] = e
			}
			all[name] = service{Environment: slices.Sorted(maps.Values(last))}
		}
		if s.opts.Before != "" {
			all[name+before] = service{
				Environment: all[name].Environment, Image: "quintet/" + name + ":" + s.opts.Before, Extends: &of{file, name},
				Networks: map[string]any{"default": map[string]any{"aliases": []string{name}}}, // of one gateway
			}
		}
	}
	text, err := json.Marshal(map[string]any{"services": all})
	if err != nil {
		return err
	}
	return os.WriteFile(s.override(), text, 0o600)
}

func (s *Stack) file() string { return filepath.Join(s.opts.Dir, "docker-compose.yml") }

func (s *Stack) override() string { return filepath.Join(s.dir, "override.json") }

// compose runs docker compose on the project, without commandBound.
func (s *Stack) compose(ctx context.Context, args ...string) (string, error) {
	of := []string{"compose", "--project-name", s.opts.Project, "--file", s.file(), "--file", s.override()}
	return s.run(ctx, append(of, args...)...)
}

// docker runs a docker command and returns what it printed.
func (s *Stack) docker(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandBound)
	defer cancel()
	return s.run(ctx, args...)
}

func (s *Stack) run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(),
		fmt.Sprintf("PORTS=%d", s.opts.PortBase/100),
		fmt.Sprintf("KAFKA_PORT=%d", s.opts.PortBase+1092))
	cmd.WaitDelay = time.Second
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, last(out.String()+complaint.String(), 10))
	}
	return strings.TrimSpace(out.String()), nil
}

// last are the last lines of a text.
func last(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
