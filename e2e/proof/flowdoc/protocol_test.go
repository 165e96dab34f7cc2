package flowdoc

import (
	"math/rand/v2"
	"testing"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// Complete logs are found without playing anything. What is played at random
// has to end in one of them, and to reach each: none is missed, none is made up.
func TestWhatIsPlayedEndsInACompleteLog(t *testing.T) {
	p, err := Study(Production())
	if err != nil {
		t.Fatal(err)
	}
	reached := map[set]int{}
	for _, log := range p.logs {
		reached[log.events] = 0
	}
	for seed := range uint64(2000) {
		end := p.play(t, rand.New(rand.NewPCG(seed, 5)), seed%2 == 0)
		if _, complete := reached[end]; !complete && end != 0 {
			t.Fatalf("seed %d ends with %s", seed, p.names(end))
		}
		reached[end]++
	}
	for log, times := range reached {
		if times == 0 {
			t.Errorf("no run of %s", p.names(log))
		}
		t.Logf("%d times %s", times, p.names(log))
	}
}

// choice is a participant and the inputs of one row that it can take.
type choice struct {
	who    int
	inputs []int
}

// play lets any participant take anything that it can, until none can. Who is
// patient asks to cancel, or lets time run out, when nothing else can be done.
func (p *Protocol) play(t *testing.T, random *rand.Rand, patient bool) set {
	t.Helper()
	at := make([]int, len(p.locals))
	var said set
	for {
		var choices, hasty []choice
		for i, l := range p.locals {
			for row, ins := range l.takable(t, l.situations[at[i]], said) {
				if input := l.rows[row].Input; len(ins) > 0 && patient && (input == "CancelOrder" || input == "Deadline") {
					hasty = append(hasty, choice{i, ins})
				} else if len(ins) > 0 {
					choices = append(choices, choice{i, ins})
				}
			}
		}
		if len(choices) == 0 {
			choices = hasty
		}
		if len(choices) == 0 {
			return said
		}
		c := choices[random.IntN(len(choices))]
		l := p.locals[c.who]
		before := len(l.situations)
		if err := l.take(at[c.who], c.inputs[random.IntN(len(c.inputs))]); err != nil {
			t.Fatal(err)
		}
		if len(l.situations) > before {
			t.Fatalf("%s came into a situation that was not enumerated", l.service)
		}
		at[c.who] = l.moves[len(l.moves)-1].to
		said |= l.situations[at[c.who]].emitted
	}
}

// takable are the inputs, by row, that a participant can take once some events
// were said. Each of these must be among those that it was enumerated with.
func (l *local) takable(t *testing.T, s situation, said set) [][]int {
	t.Helper()
	ins := make([][]int, len(l.rows))
	left := said & l.hears &^ s.had
	for _, in := range l.possible(s) {
		kind, bit := l.row(in).Kind, l.inputs[in].bit
		if kind == flow.KindEvent {
			left = left.without(bit)
		}
		if st, err := l.step(s.state, in); err != nil || st.refused != nil || kind == flow.KindEvent && !said.has(bit) {
			continue
		}
		row := l.inputs[in].row
		ins[row] = append(ins[row], in)
	}
	if left != 0 {
		t.Fatalf("%s was not enumerated with event %d of what was said", l.service, left.each()[0])
	}
	return ins
}
