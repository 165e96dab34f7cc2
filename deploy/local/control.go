package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Parts returns the names of the stack's processes.
func (s *Stack) Parts() []string { return Names() }

// Instances returns the processes of a part: in this stack each part has one.
func (s *Stack) Instances(part string) []string { return []string{part} }

// Configure gives a process settings, "KEY=value", beyond those of the stack's options.
// They apply from its next start on. Without any, the process has only those of the
// options.
func (s *Stack) Configure(name string, env ...string) error {
	if _, ok := find(name); !ok {
		return fmt.Errorf("configure %s: no such process", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settings[name] = env
	return nil
}

// Forget removes all data of a process. The process must not run.
func (s *Stack) Forget(name string) error {
	if s.process(name).alive() {
		return fmt.Errorf("make %s forget: it is running", name)
	}
	return os.RemoveAll(s.dataDir(name))
}

func (s *Stack) dataDir(name string) string { return filepath.Join(s.opts.DataDir, name) }

// Tail returns the last lines that a process has printed, or nothing if it never ran.
func (s *Stack) Tail(name string, lines int) string {
	text, _ := os.ReadFile(s.LogFile(name))
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
