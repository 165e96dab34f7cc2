package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// probeEvery is how often a container is asked for its health: each time costs
// the machine a process.
const probeEvery = 200 * time.Millisecond

// WaitReady returns when the named parts or instances, or all parts, are
// healthy, and the services among them answer at their doors. It runs the
// containers' own health checks, now, instead of waiting for their turn, and one
// at a time: asked side by side, fifteen containers that start are kept from it
// by the questions.
func (s *Stack) WaitReady(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		names = parts
	}
	for _, name := range names {
		if err := s.waitReady(ctx, name); err != nil {
			return err // of the others, asked when ctx has ended, nothing would be known
		}
	}
	return nil
}

func (s *Stack) waitReady(ctx context.Context, name string) error {
	of, err := s.containers(name)
	if err != nil {
		return err
	}
	for _, container := range of {
		check, err := s.healthCheck(ctx, container)
		if err != nil {
			return err
		}
		err = until(ctx, func() error {
			_, err := s.docker(ctx, append([]string{"exec", container}, check...)...)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s is not ready: %w", container, err)
		}
	}
	part, _, _ := strings.Cut(name, "-")
	at := slices.Index(services, part)
	if at < 0 {
		return nil
	}
	// The gateway finds a container that has another address than before within
	// a second.
	url := fmt.Sprintf("http://127.0.0.1:%d/readyz", s.opts.PortBase+1+at)
	if err := until(ctx, func() error { return ask(ctx, url) }); err != nil {
		return fmt.Errorf("%s is not ready at its door: %w", part, err)
	}
	return nil
}

// healthCheck is the command with which a container's image or
// docker-compose.yml says that its health is checked.
func (s *Stack) healthCheck(ctx context.Context, container string) ([]string, error) {
	text, err := s.docker(ctx, "inspect", "--format", "{{json .Config.Healthcheck.Test}}", container)
	if err != nil {
		return nil, err
	}
	var test []string
	if err := json.Unmarshal([]byte(text), &test); err != nil || len(test) < 2 {
		return nil, fmt.Errorf("%s has no health check: %s", container, text)
	}
	if test[0] == "CMD-SHELL" {
		return []string{"sh", "-c", test[1]}, nil
	}
	return test[1:], nil
}

// until repeats a question until it has no error, or ctx ends: then it returns
// the last.
func until(ctx context.Context, question func() error) error {
	ticks := time.NewTicker(probeEvery)
	defer ticks.Stop()
	var last error
	for {
		err := question()
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return last
		}
	}
}

func ask(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 500)) // for the message only
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	return nil
}
