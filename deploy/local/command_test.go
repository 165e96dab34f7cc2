package local_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/deploy/local"
)

func TestCtrlCStopsAllAndRestartReusesStockKeys(t *testing.T) {
	opts := options(t)
	for range 2 {
		up := runUp(t, opts)
		up.waitFor("Ctrl-C stops everything.")
		if err := syscall.Kill(-up.cmd.Process.Pid, syscall.SIGINT); err != nil { // as a terminal does: the whole group
			t.Fatal(err)
		}
		if err := up.cmd.Wait(); err != nil {
			t.Fatalf("%v: %s", err, up.problems())
		}
		if err := local.CheckPorts(opts.PortBase); err != nil {
			t.Error(err)
		}
	}
	log := read(t, filepath.Join(opts.DataDir, "logs", "inventory.log"))
	if n := strings.Count(log, "received mug first-delivery-of-mug\n"); n != 2 {
		t.Errorf("the same delivery came %d times, want 2:\n%s", n, log)
	}
}

func TestADyingProcessStopsTheStackWithOneLine(t *testing.T) {
	opts := options(t)
	up := runUp(t, opts)
	up.waitFor("Ctrl-C stops everything.")
	state, err := local.ReadState(opts.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(state.PIDs["payment"], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := up.cmd.Wait(); err == nil {
		t.Error("exit status 0 although payment died")
	}
	if got, want := up.problems(), "local: error: payment died: signal: killed: starting ("+filepath.Join(opts.DataDir, "logs", "payment.log")+")\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := local.CheckPorts(opts.PortBase); err != nil {
		t.Error(err)
	}
}

func TestATakenPortIsOneLineWithAWayOut(t *testing.T) {
	opts := options(t)
	taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", opts.PortBase+1))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	up := runUp(t, opts)
	if err := up.cmd.Wait(); err == nil {
		t.Error("exit status 0 although a port is taken")
	}
	want := fmt.Sprintf("local: error: port taken: %d (order); take others: PORT_BASE=%d make run\n", opts.PortBase+1, opts.PortBase+1000)
	if got := up.problems(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStatusSaysWhatRunsAndWhetherItIsReady(t *testing.T) {
	opts := options(t)
	stack := newStack(t, opts)
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	text, err := runStatus(opts)
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	if n := strings.Count(text, "ready\n"); n != len(local.Names()) {
		t.Errorf("%d are ready:\n%s", n, text)
	}
	if err := stack.Kill("payment"); err != nil {
		t.Fatal(err)
	}
	text, err = runStatus(opts)
	if err == nil || !strings.Contains(text, "connection refused") {
		t.Errorf("payment is dead, status says (%v)\n%s", err, text)
	}
}

func runStatus(opts local.Options) (string, error) {
	out, err := exec.Command(filepath.Join(opts.BinDir, "local"), "status", "--data", opts.DataDir).CombinedOutput()
	return string(out), err
}

// command is a running `local up`.
type command struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout io.Reader
	stderr bytes.Buffer
}

func runUp(t *testing.T, opts local.Options) *command {
	t.Helper()
	c := &command{t: t}
	c.cmd = exec.Command(filepath.Join(opts.BinDir, "local"), "up", "--bin", opts.BinDir, "--data", opts.DataDir,
		fmt.Sprintf("--port-base=%d", opts.PortBase))
	c.cmd.Stderr = &c.stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	if c.stdout, err = c.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	return c
}

func (c *command) waitFor(line string) {
	c.t.Helper()
	for lines := bufio.NewScanner(c.stdout); lines.Scan(); {
		if lines.Text() == line {
			return
		}
	}
	_ = c.cmd.Wait()
	c.t.Fatalf("local up ended without saying %q: %s", line, c.problems())
}

// problems is what an ended command wrote on standard error.
func (c *command) problems() string { return c.stderr.String() }

func waitUntil(t *testing.T, reached func() bool) {
	t.Helper()
	ticks, bound := time.NewTicker(20*time.Millisecond), testContext(t)
	defer ticks.Stop()
	for !reached() {
		select {
		case <-ticks.C:
		case <-bound.Done():
			t.Fatal("waited for 30 s")
		}
	}
}
