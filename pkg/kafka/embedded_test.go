//go:build !containers

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

// stampsRecords: this broker keeps a topic's message.timestamp.type and does
// nothing by it; records bear the time that their producer gave them.
const stampsRecords = false

// embedded is the embedded stack's broker in a process of its own.
type embedded struct {
	program string
	dir     string
	port    int
	process *exec.Cmd
}

// openCluster starts a broker with an empty log.
func openCluster(t *testing.T) cluster {
	t.Helper()
	program, err := build()
	must(t, err)
	e := &embedded{program: program, dir: t.TempDir(), port: freePort(t)}
	t.Cleanup(func() { _ = e.Kill(context.Background()) }) // a test may have stopped it
	must(t, e.Start(t.Context()))
	return e
}

// build makes the program, which is of another module.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "quintet-kafka")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "broker")
	if out, err := exec.Command("go", "build", "-C", "../../deploy/local", "-o", program, "./cmd/broker").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build broker: %w: %s", err, out)
	}
	return program, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if program, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(program))
	}
	os.Exit(code)
}

// freePort returns a port that the system does not give to outgoing
// connections: one of those could be gone at the next start.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10000 + rand.IntN(20000)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			must(t, l.Close())
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func (e *embedded) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(e.port)) }

func (e *embedded) Stop(context.Context) error { return e.end(syscall.SIGTERM) }

func (e *embedded) Kill(context.Context) error { return e.end(syscall.SIGKILL) }

func (e *embedded) end(signal os.Signal) error {
	if e.process == nil {
		return errors.New("broker does not run")
	}
	if err := e.process.Process.Signal(signal); err != nil {
		return err
	}
	_ = e.process.Wait() // says how it ended
	e.process = nil
	return nil
}

// Start returns when the broker takes requests.
func (e *embedded) Start(ctx context.Context) error {
	e.process = exec.Command(e.program)
	e.process.Env = append(os.Environ(), "DATA_DIR="+e.dir, "PORT_BASE="+strconv.Itoa(e.port-1092))
	e.process.Stderr = os.Stderr
	if err := e.process.Start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		c, err := kafka.Connect(kafka.Settings{Brokers: []string{e.Address()}, Service: "test"})
		if err == nil {
			return c.Close()
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("broker takes no requests: %w", err)
		}
	}
}
