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

// probeEvery is the interval of health checks: each check costs the machine a process.
const probeEvery = 200 * time.Millisecond

// WaitReady returns when the named parts or instances, or all parts, are healthy. The
// services among them must also answer through the gateway. WaitReady runs the
// containers' own health checks itself instead of waiting for docker's next one. It runs
// one check at a time: side by side, the checks would keep fifteen containers from
// starting.
func (s *Stack) WaitReady(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		names = parts
	}
	for _, name := range names {
		if err := s.waitReady(ctx, name); err != nil {
			return err // ctx has ended: further checks would find nothing out
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
	// The gateway finds a container under a new address within a second.
	url := fmt.Sprintf("http://127.0.0.1:%d/readyz", s.opts.PortBase+1+at)
	if err := until(ctx, func() error { return ask(ctx, url) }); err != nil {
		return fmt.Errorf("%s is not ready at its door: %w", part, err)
	}
	return nil
}

// healthCheck is the health check's command, from the container's image or from
// docker-compose.yml.
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

// until calls question until it returns no error. When ctx ends, until returns the last
// error.
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
