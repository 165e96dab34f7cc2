package e2e

import (
	"context"
	"fmt"
	"slices"
)

// Control starts, stops and freezes the processes of a system, by the names of its
// parts: order, inventory, payment, shipping, email, broker, registry, sandbox, and any
// further part of a deployment. The name of a part with several instances stands for
// all of them; each instance also has its own name.
//
// Each method returns when its effect is complete. Only a started process is not yet
// ready then.
type Control interface {
	// Parts are the parts that may be ended and started.
	Parts() []string
	// Instances are the names of the processes that a part runs as.
	Instances(part string) []string

	Start(name string) error
	Kill(name string) error      // as kill -9 does
	Terminate(name string) error // as SIGTERM does
	Pause(name string) error     // freezes it: its ports stay open, it answers nothing
	Resume(name string) error

	// Configure gives a part settings, "KEY=value", from its next start on. A call
	// without settings restores the original ones.
	Configure(part string, env ...string) error
	// Forget deletes all state of a part that does not run.
	Forget(part string) error

	// WaitReady returns when the named parts or instances, or all, are ready.
	WaitReady(ctx context.Context, names ...string) error
	// Tail is the end of a process's log. It helps to explain a failure.
	Tail(name string, lines int) string
}

// Needs are a story's requirements beyond a system that runs.
type Needs int

const (
	OnlyURLs       Needs = iota // nothing beyond the access of a customer or another team
	ProcessControl              // control to stop, freeze and start parts
	TwoInstances                // ProcessControl, and two instances of each service
	ADatabase                   // ProcessControl, and a database that is a part of its own
)

// Unplayable is the reason why a story cannot be played on a system under a control;
// empty for a story that can. The control is nil where no process may be touched.
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
