package local_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/deploy/local"
)

func TestSettingsHoldFromTheNextStartOn(t *testing.T) {
	stack := newStack(t, options(t))
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := stack.Configure("payment", "FAKE=fail"); err != nil {
		t.Fatal(err)
	}
	if err := stack.WaitReady(testContext(t), "payment"); err != nil {
		t.Errorf("settings were taken in by a process that runs: %v", err)
	}
	for _, do := range []func(string) error{stack.Kill, stack.Start} {
		if err := do("payment"); err != nil {
			t.Fatal(err)
		}
	}
	if err := stack.WaitReady(testContext(t), "payment"); !errors.Is(err, local.ErrDied) {
		t.Errorf("with its new settings payment ends at once; got %v", err)
	}
	if tail := stack.Tail("payment", 1); tail != "the database is broken" {
		t.Errorf("its log ends with %q", tail)
	}
	if err := errors.Join(stack.Configure("payment"), stack.Start("payment"), stack.WaitReady(testContext(t), "payment")); err != nil {
		t.Errorf("without settings payment does not run as before: %v", err)
	}
}

func TestForgetIsRefusedForARunningProcess(t *testing.T) {
	opts := options(t)
	stack := newStack(t, opts)
	if err := stack.Up(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := stack.Forget("registry"); err == nil || !strings.Contains(err.Error(), "it is running") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(stack.Kill("registry"), stack.Forget("registry")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(opts.DataDir, "registry")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it has kept its directory: %v", err)
	}
}
