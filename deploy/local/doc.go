// Package local runs the whole system on this machine: broker, registry, sandbox and
// the five services. Each is a process of its own. `make run` and the end-to-end tests
// are built on it.
//
// The package does not depend on the purpose of the processes. It starts, watches and
// ends them, and asks /readyz. No child outlives the supervisor: on Linux the kernel
// kills the children when the supervisor dies, even of kill -9. macOS has no such
// thing. There a supervisor killed with -9 leaves its children running. The next start
// names the ports they hold, and stack.json in the data directory has their process
// ids.
package local
