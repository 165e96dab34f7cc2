package e2e

import (
	"context"
	"fmt"
	"slices"
)

// Control is power over the processes of a system, by the names of its parts:
// order, inventory, payment, shipping, email, broker, registry, sandbox, and
// what else a deployment says it consists of. The name of a part that runs as
// several instances means all of them; each has a name of its own besides.
//
// Of what is asked for, everything has happened when a call returns, but that
// a process which was started is not ready yet.
type Control interface {
	// Parts are the parts that may be ended and started.
	Parts() []string
	// Instances are the names of the processes that a part runs as.
	Instances(part string) []string

	Start(name string) error
	Kill(name string) error      // as kill -9 does
	Terminate(name string) error // as SIGTERM does
	Pause(name string) error     // freezes it: its ports stay open, nothing answers
	Resume(name string) error

	// Configure gives a part settings, "KEY=value", with which it is started
	// from its next start on; without any it has those from before.
	Configure(part string, env ...string) error
	// Forget makes a part that does not run lose all that it knew.
	Forget(part string) error

	// WaitReady returns when the named ones, or all, say that they are ready.
	WaitReady(ctx context.Context, names ...string) error
	// Tail is the end of what a process has logged, for whoever looks for the
	// reason of a failure.
	Tail(name string, lines int) string
}

// Needs is what a story needs beyond a system that runs.
type Needs int

const (
	OnlyURLs       Needs = iota // nothing that a customer, or another team, does not have
	ProcessControl              // parts to be ended, frozen and started
	TwoInstances                // that, and each service as two instances at least
	ADatabase                   // that, and a database that is a part of its own
)

// Unplayable says why a story cannot be played on a system under a control, nil
// where nobody may touch its processes; it is empty for one that can.
func (s Story) Unplayable(c Control) string {
	switch {
	case s.Needs == OnlyURLs:
	case c == nil:
		return "it ends or freezes processes, and there is no control over those of this system"
	case s.Needs == ADatabase && !slices.Contains(c.Parts(), "postgres"):
		return "the database is no process of its own here"
	case s.Needs == TwoInstances:
		for _, name := range serviceNames {
			if n := len(c.Instances(name)); n < 2 {
				return fmt.Sprintf("it needs two instances of each service, and %s has %d", name, n)
			}
		}
	}
	return ""
}
