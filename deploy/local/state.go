package local

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// State is the content of stack.json, which a stack leaves in its data directory for
// other processes. It names the port base and the stack's running processes.
type State struct {
	PortBase int            `json:"portBase"`
	PIDs     map[string]int `json:"pids"`
}

// ReadState reads the state of the stack that runs, or ran last, in a data directory.
func ReadState(dataDir string) (State, error) {
	var state State
	text, err := os.ReadFile(filepath.Join(dataDir, "stack.json"))
	if err != nil {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	return state, nil
}

// writeState replaces the file in one step. The caller holds the lock.
func (s *Stack) writeState() error {
	state := State{PortBase: s.opts.PortBase, PIDs: make(map[string]int)}
	for name, p := range s.processes {
		if p.alive() {
			state.PIDs[name] = p.cmd.Process.Pid
		}
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	path := filepath.Join(s.opts.DataDir, "stack.json")
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write state: %w", err)
	}
	return nil
}
