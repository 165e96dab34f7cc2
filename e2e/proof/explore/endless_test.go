package explore

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The longest way is found by another means, and of the worlds as they are.
func TestNoScheduleIsLongerThanItIsSaidToBe(t *testing.T) {
	for _, scope := range []Scope{collected, crashLost, twiceMailed, wide} {
		t.Run(scope.Name, func(t *testing.T) {
			affordable(t, visited(scope))
			r := explored(t, Production(), scope)
			known := map[uint32]int{}
			var ways func(n uint32) int
			ways = func(n uint32) int {
				if steps, is := known[n]; is {
					return steps
				}
				steps := 0
				for _, lead := range r.graph.leads(n) {
					if lead&markUnanswered == 0 {
						steps = max(steps, 1+ways(lead&^marks))
					}
				}
				known[n] = steps
				return steps
			}
			longest := 0
			for n := range r.graph.len() {
				longest = max(longest, ways(uint32(n)))
			}
			if longest == 0 || longest != r.Longest {
				t.Errorf("the longest way has %d steps, and is said to have %d", longest, r.Longest)
			}
		})
	}
}

// What goes round is caught before anything else is. That an end can be reached
// would not have caught it: from the way round it can. Nor does it take a chain
// of causes that is cut for its length: far sides that put off make none at all.
func TestNothingElseCatchesWhatGoesRound(t *testing.T) {
	for _, m := range endlessMutants() {
		t.Run(m.Name, func(t *testing.T) {
			affordable(t, deep[m.Name])
			puts := strings.HasSuffix(m.Name, "-puts-off")
			m.Scope.Whole = puts
			r := explored(t, m.System(), m.Scope)
			if r.Violation == nil || r.Violation.Property != AllEnd {
				t.Fatalf("found %v", r.Violation)
			}
			for _, v := range r.Verdicts {
				if v.Violation != nil && v.Property != AllEnd && (puts || v.Property != noCircles || len(v.Violation.Schedule.Steps) <= deepest) {
					t.Errorf("%s", v.Violation)
				}
			}
			for _, c := range newRounds(r.graph, markUnanswered).circles() {
				if !endIsNear(r.graph, c.at) {
					t.Errorf("from the way round, %s, no end was reached", c.steps)
				}
			}
		})
	}
}

// endIsNear reports whether an end was reached from a world.
func endIsNear(g *graph, from int) bool {
	seen, queue := map[uint32]bool{}, []uint32{uint32(from)}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		if int(n) < g.visited() && g.rest[n] {
			return true
		}
		for _, lead := range g.leads(n) {
			if to := lead &^ marks; !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	return false
}

// A step that is wished for, or in which something goes wrong, is none that one
// could count on; nor is one that leads nowhere.
func TestAStandstillIsWhereNothingComesByItself(t *testing.T) {
	v := []uint32{1, 2, 3, 4, 5, 0}
	by := func(f fault, optional bool, to uint32) step {
		return step{slot: 2, to: to, stock: -1, optional: optional, move: &move{fault: f}}
	}
	for name, c := range map[string]struct {
		step step
		want bool
	}{
		"it takes a record":            {by(0, false, 7), true},
		"the customer cancels":         {by(0, true, 7), false},
		"a process ends":               {by(crashing, false, 7), false},
		"an attempt is not answered":   {by(unanswered, false, 7), false},
		"an answer settles nothing":    {by(0, false, 3), false},
		"a piece is delivered":         {step{slot: -1, stock: 1, optional: true}, false},
		"the stock is beyond its law":  {step{slot: 1, to: 2, stock: -1}, true},
		"it takes one, and only stock": {step{slot: 1, to: 2, stock: 1, move: &move{}}, true},
	} {
		if got := goesOn(v, []step{c.step}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	r := explored(t, system(t, "refund-another-payment"), Scope{Orders: 1, Stock: 1, May: Refuses, Whole: true})
	if len(r.graph.stuck) == 0 {
		t.Error("a refund that is refused for ever is no standstill")
	}
	if r := explored(t, Production(), collected); len(r.graph.stuck) > 0 || r.Longest == 0 {
		t.Errorf("the production system stands still in %d states; it takes %d steps", len(r.graph.stuck), r.Longest)
	}
}

func TestAWayRoundIsToldAsOne(t *testing.T) {
	m, err := FindMutant("charged-and-voided-in-turn")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSchedule("unanswered: place; inventory<OrderPlaced; payment<OrderPlaced; payment<StockReserved; Charge=given-up; Void=voided; Charge=voided; Void=voided")
	if err != nil {
		t.Fatal(err)
	}
	story, err := Replay(m.System(), m.Scope, s)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	story.Print(&b)
	last := b.String()[strings.Index(b.String(), "  6. "):]
	want := `  6. The payment service calls Void; the answer is voided; it asks for Charge.   (Void=voided)
       order pending · inventory reserved · payment charging · shipping waiting · email nothing yet
       provider voided · carrier nothing yet · mails accepted 0 · stock 0 on hand, 1 reserved, 0 shipped of 1
       open: Charge
     From here it goes round:
  7. The payment service calls Charge; the answer is voided; it asks for Void.   (Charge=voided)
       order pending · inventory reserved · payment charging · shipping waiting · email nothing yet
       provider voided · carrier nothing yet · mails accepted 0 · stock 0 on hand, 1 reserved, 0 shipped of 1
       open: Void
  8. The payment service calls Void; the answer is voided; it asks for Charge.   (Void=voided)
       order pending · inventory reserved · payment charging · shipping waiting · email nothing yet
       provider voided · carrier nothing yet · mails accepted 0 · stock 0 on hand, 1 reserved, 0 shipped of 1
       open: Charge
     ! every schedule ends, unless attempts stay unanswered for ever: the last 2 steps, Charge=voided and Void=voided, lead back to where they began, and can be taken for ever
`
	if diff := cmp.Diff(want, last); diff != "" {
		t.Error(diff)
	}
	wantDiagram := `    loop for ever
    payment->>provider: Charge: voided
    payment->>provider: Void: voided
    end
    Note over order,email: every schedule ends, unless`
	if !strings.Contains(story.Mermaid(), wantDiagram) {
		t.Errorf("the diagram is\n%s", story.Mermaid())
	}
}

// An attempt that stays unanswered may come again and again, and is nothing
// that the protocol could do about: no schedule of it is wrong.
func TestAFaultThatRepeatsIsNoWayRound(t *testing.T) {
	again := []string{"Charge~sent", "Charge~vanishes", "Charge~sent", "Charge~vanishes", "Charge~sent", "Charge~vanishes"}
	story, err := Replay(Production(), silent, Schedule{Scope: silent.Name, Steps: append([]string{"place", "inventory<OrderPlaced", "payment<OrderPlaced", "payment<StockReserved"}, again...)})
	if err != nil {
		t.Fatal(err)
	}
	if story.Circle != 0 || len(story.Wrong) > 0 {
		t.Errorf("%d steps go round: %q", story.Circle, story.Wrong)
	}
}
