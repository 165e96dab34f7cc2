//go:build race

package e2e_test

// raced reports whether the tests run with the race detector. If so, the system's
// processes are built with it too.
const raced = true
