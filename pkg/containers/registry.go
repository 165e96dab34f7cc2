package containers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Registry is a real schema registry. It keeps its schemas in memory, so it starts
// empty after a stop. Its address stays the same.
type Registry struct {
	container *testcontainers.DockerContainer
	docker    *testcontainers.DockerClient
	url       string
}

// StartRegistry starts a registry and returns when it answers, after about ten
// seconds.
func StartRegistry(ctx context.Context) (*Registry, error) {
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("start registry: %w", err)
	}
	r := &Registry{docker: docker, url: fmt.Sprintf("http://127.0.0.1:%d/apis/ccompat/v7", port)}
	r.container, err = testcontainers.Run(ctx, image("REGISTRY_IMAGE", "apicurio/apicurio-registry-mem:2.6.13.Final"),
		testcontainers.WithExposedPorts("8080/tcp"),
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
			c.PortBindings = network.PortMap{network.MustParsePort("8080/tcp"): {{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: strconv.Itoa(port)}}}
		}))
	if err == nil {
		err = r.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start registry: %w", err), r.Terminate(context.WithoutCancel(ctx)))
	}
	return r, nil
}

// URL returns the base of the registry's API for Confluent's clients.
func (r *Registry) URL() string { return r.url }

// Stop ends the registry, and with it its memory.
func (r *Registry) Stop(ctx context.Context) error {
	atOnce := 0
	_, err := r.docker.ContainerStop(ctx, r.container.GetContainerID(), client.ContainerStopOptions{Timeout: &atOnce})
	return err
}

// Boot starts a stopped registry again and returns at once. The caller sees the
// registry's answers until it is up.
func (r *Registry) Boot(ctx context.Context) error {
	_, err := r.docker.ContainerStart(ctx, r.container.GetContainerID(), client.ContainerStartOptions{})
	return err
}

// Start starts a stopped registry again, empty and at its address, and returns
// when it answers.
func (r *Registry) Start(ctx context.Context) error {
	if err := r.Boot(ctx); err != nil {
		return err
	}
	return r.ready(ctx)
}

// Terminate removes the registry.
func (r *Registry) Terminate(ctx context.Context) error {
	return errors.Join(testcontainers.TerminateContainer(r.container, testcontainers.StopContext(ctx), testcontainers.StopTimeout(0)), r.docker.Close())
}

// ready waits until the registry answers as one. Docker's own listener accepts
// connections before it does.
func (r *Registry) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		err := r.answers(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the registry does not answer: %w", err)
		}
	}
}

func (r *Registry) answers(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+"/subjects", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
