//go:build !linux

package local

import "syscall"

// childAttributes puts a child into its own process group. So Ctrl-C reaches the
// supervisor alone, and the supervisor decides the order of the ends. macOS cannot tie
// a child's life to its parent's: see the package doc.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// stopped always reports true: it cannot ask here, and the signal takes effect within
// moments.
func stopped(int) bool { return true }
