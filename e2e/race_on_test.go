//go:build race

package e2e_test

// raced tells whether the tests run with the race detector; the system's
// processes are built with it then too.
const raced = true
