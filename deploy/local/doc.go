// Package local runs the whole system on this machine: broker, registry, sandbox and the five services, each a process
// of its own. It is what `make run` and the end-to-end tests stand on.
//
// Nothing in it knows what the processes do; it starts, watches and ends them, and asks /readyz. No child outlives
// the supervisor: on Linux the kernel kills the children when it dies, even of kill -9. macOS has no such thing; there a supervisor
// killed with -9 leaves its children running, the next start names the ports they hold, and stack.json in the data
// directory has their process ids.
package local
