package simulation

import (
	"errors"
	"time"
)

// An illness makes the reaction to one input fail. It ends when a new binary starts, in
// which the reaction is mended. Or it passes, like the failure of a thing that the
// reaction depends on.
type illness struct {
	kind   string
	passes time.Duration // after it struck first; 0: never
	struck time.Time
}

// The kinds of illness.
const (
	poisonReaction = "reaction" // the reaction panics
	poisonRefusal  = "refusal"  // the reaction says that it cannot handle the input
	poisonSave     = "save"     // the database refuses the state that it leads to
)

var errNotYet = errors.New("cannot be handled yet")

// infect draws the illness of an input. The parameter what names the input as reactions
// do: "shop 2", "stamp 1", "reminder".
func (w *world) infect(order, what string) {
	i := &illness{kind: pick(w.scheduler, []string{poisonReaction, poisonRefusal, poisonSave})}
	if w.chance(3) { // before the attempts are spent, or after
		i.passes = pick(w.scheduler, []time.Duration{2 * time.Second, 5 * time.Second})
	}
	w.ill[order+" "+what] = i
}

// ails is the illness that a reaction finds in its input.
func (p *process) ails(order, what string) string {
	i := p.w.ill[order+" "+what]
	switch {
	case i == nil || p.mended:
		return ""
	case p.gone(): // nothing that it does from here on counts
	case i.struck.IsZero():
		i.struck = time.Now()
	case i.passes > 0 && time.Since(i.struck) >= i.passes:
		return ""
	}
	return i.kind
}

// rollOut replaces a process of the old binary, if there is one.
func (w *world) rollOut() bool {
	for _, p := range w.live {
		if w.mended && !p.mended {
			w.stop(p)
			return true
		}
	}
	return false
}
