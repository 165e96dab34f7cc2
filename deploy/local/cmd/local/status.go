package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/quintet-eda/quintet/deploy/local"
)

var errNotReady = errors.New("not everything is ready")

type status struct{}

// Run prints a line for each process. It returns an error unless all are ready.
func (status) Run(at place) error {
	state, err := local.ReadState(at.Data)
	if err != nil {
		return fmt.Errorf("nothing has run in %s: %w", at.Data, err)
	}
	var sum int
	for _, name := range local.Names() {
		says := "ready"
		if answer := local.Probe(context.Background(), state.PortBase, name); answer != nil {
			says, err = answer.Error(), errNotReady
		}
		memory := residentMB(state.PIDs[name])
		sum += memory
		fmt.Printf("%-10s %-24s %4d MB  %s\n", name, local.URL(state.PortBase, name), memory, says)
	}
	fmt.Printf("%-10s %-24s %4d MB\n", "", "", sum)
	return err
}

// residentMB returns the memory that a process holds. It returns 0 without such a
// process, or on a system without /proc.
func residentMB(pid int) int {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer file.Close()
	var kb int
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			_, _ = fmt.Sscanf(value, "%d", &kb)
		}
	}
	return kb / 1024
}
