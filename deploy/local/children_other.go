//go:build !linux

package local

import "syscall"

// childAttributes puts a child into its own process group, so that Ctrl-C reaches the supervisor alone and it decides the
// order of the ends. Only Linux can tie a child's life to its parent's: see the package doc.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// stopped cannot be asked here; the signal takes effect within moments.
func stopped(int) bool { return true }
