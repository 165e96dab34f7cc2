package local

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// childAttributes puts a child into its own process group. So Ctrl-C reaches the
// supervisor alone, and the supervisor decides the order of the ends. The kernel kills
// the child when the supervisor dies.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// stopped reports whether a process is frozen by SIGSTOP.
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ") // pid (name) state ...
	return strings.HasPrefix(after, "T")
}
