package explore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// local is one service's part in one order: everything that its own steps depend on,
// but for the records of the others. It holds the service's state, and the outside
// world that only this service calls.
type local struct {
	order  int8
	placed bool // the order is there; of the order service
	again  int8 // faults of a broken kit so far
	// taken has a bit for each record that the table names, by owner.
	taken  [services]uint8
	state  int32
	before int32 // the state one commit ago, when a broken kit may hand it out
	topic  int32 // its published records
	calls  int32 // that are open, oldest first
	timers int32
	flying int32 // attempts that were not answered, and may yet arrive
	far    int32 // the far side's ledger
	stock  int32 // the stock operations so far, when the stock is the environment's
	shown  int32 // an untruth that people were shown
	breach int32 // a thing that must never happen, and did; the service does nothing after it
}

// call is an external call that is open.
type call struct {
	ID     string
	Effect any
	Cause  string
	// Unsure: an attempt may have had an effect.
	Unsure bool
	// Found: it was begun by a process that is gone. Mails only.
	Found bool
}

type timer struct {
	ID, Name, Cause string
	Body            any
}

// move is a step of one service for one order.
type move struct {
	name     string
	to       int32
	stock    int32 // the levels after it; the same as before, mostly
	optional bool  // nothing is open if it never happens
	fault    fault
	told     told
}

// told describes a move in a story.
type told struct {
	who, what string   // the service, and its action or the action on it
	with      string   // the other side: a service, the customer, or an outside party
	said      string   // the record, call or answer that passes between them
	emits     []string // the events and calls that follow
	asks      []string
	error     string
}

// part is a service's local states by number, and their moves as far as they
// were needed.
type part struct {
	numbers map[local]int32
	values  []local
	inner   [][]move // by local state; nil: not made yet
	takes   [][]taking
	ids     []*string // what oneID finds; nil: not looked at yet
}

// taking is the moves of a local state that handles a record.
type taking struct {
	record, stock int32
	again         bool
	moves         []move
}

func newPart() *part { return &part{numbers: map[local]int32{}} }

func (p *part) id(l local) int32 {
	n, known := p.numbers[l]
	if !known {
		n = int32(len(p.values))
		p.numbers[l] = n
		p.values = append(p.values, l)
		p.inner = append(p.inner, nil)
		p.takes = append(p.takes, nil)
		p.ids = append(p.ids, nil)
	}
	return n
}

// result is one way in which an input can end.
type result struct {
	suffix string // of the move's name; empty for the way that a sound kit has
	after  local
	stock  levels
	told   told
	out    flow.Outputs
}

// feed gives an input to a service's reaction, in every way that the kit allows. A
// reaction that fails would park its input. In a world without foreign mischief that
// must never happen, so the failure leaves a breach.
func (m *model) feed(service int, l local, in input, stock levels) []result {
	results := m.feedKit(service, l, in, stock)
	if !m.sys.Kit.Fresh && l.before != l.state && l.again < broken {
		stale := l
		stale.state = l.before
		stale.again++
		results = append(results, m.fed(service, stale, in, stock, "@stale"))
	}
	return results
}

// broken is how often a broken promise of the kit shows per service and order.
const broken = 2

func (m *model) feedKit(service int, l local, in input, stock levels) []result {
	sound := m.fed(service, l, in, stock, "")
	results := []result{sound}
	spoilt := len(sound.out.Events)+len(sound.out.Calls) > 0 && l.again < broken && sound.after.breach == 0
	if !m.sys.Kit.Outbox && spoilt && len(sound.out.Events) > 0 {
		lossy := l
		lossy.again++
		r := m.fedWith(service, lossy, in, stock, "!lost", true)
		results = append(results, r)
	}
	if !m.sys.Kit.Atomic && spoilt {
		torn := sound
		torn.suffix = "!torn"
		torn.after.state, torn.after.before = l.state, l.before
		torn.after.again++
		torn.stock = stock
		torn.told.what += "; its outputs go out, and the process ends before the commit"
		results = append(results, torn)
	}
	return results
}

func (m *model) fed(service int, l local, in input, stock levels, suffix string) result {
	return m.fedWith(service, l, in, stock, suffix, false)
}

func (m *model) fedWith(service int, l local, in input, stock levels, suffix string, lost bool) result {
	r := m.machines[service].react(l.state, stock, in)
	res := result{suffix: suffix, after: l, stock: r.stock, out: r.out}
	if r.err != nil {
		res.after.breach = m.breaches.id(cmp.Or(m.untrue(service, l, in, stock, r), "parks: "+r.err.Error()))
		res.told.error = r.err.Error()
		return res
	}
	after := &res.after
	if after.state = r.next; !m.sys.Kit.Fresh {
		after.before = l.state
	}
	if strings.Count(in.id, ">") > deepest {
		after.breach = m.breaches.id("loops: " + m.tooLong(in.id))
	}
	m.emit(after, in, r.out, service, &res.told, lost)
	for n, effect := range r.out.Calls {
		id := fmt.Sprintf("%s>%s#%d", in.id, nameOf(effect), n)
		after.calls = m.calls.id(append(slices.Clone(m.calls.values[after.calls]), call{ID: id, Effect: effect, Cause: in.cause}))
		res.told.asks = append(res.told.asks, label(effect))
	}
	for _, name := range r.out.Stopped {
		after.timers = m.timers.id(slices.DeleteFunc(slices.Clone(m.timers.values[after.timers]), func(t timer) bool { return t.Name == name }))
	}
	for _, started := range r.out.Timers {
		if m.scope.May.has(Deadlines) {
			name := nameOf(started.Timer)
			t := timer{ID: in.id + ">" + name, Name: name, Cause: in.cause, Body: started.Timer}
			running := slices.DeleteFunc(slices.Clone(m.timers.values[after.timers]), func(t timer) bool { return t.Name == name })
			after.timers = m.timers.id(append(running, t)) // one that runs is moved
		}
	}
	if after.shown == 0 {
		after.shown = m.breaches.id(cmp.Or(r.shown, m.misshown(service, after)))
	}
	if after.breach == 0 {
		if what := cmp.Or(r.shared, m.leaves(service, l.state, r.next)); what != "" {
			after.breach = m.breaches.id(what)
		} else if what := cmp.Or(m.untrue(service, l, in, stock, r), m.unwatched(service, after)); what != "" {
			after.breach = m.breaches.id(what)
		}
	}
	return res
}

func (m *model) emit(after *local, in input, out flow.Outputs, service int, t *told, lost bool) {
	for n, e := range out.Events {
		if e.EventKey() != orderID(after.order) {
			after.breach = m.breaches.id(fmt.Sprintf("parks: emits %s of %q", short(e.EventType()), e.EventKey()))
		}
		r := record{ID: fmt.Sprintf("%s>%s#%d", in.id, short(e.EventType()), n), Event: e, Cause: in.cause, Lost: lost}
		if !m.follows[follow{in.cause, e.EventType()}] {
			after.breach = m.breaches.id(fmt.Sprintf("undeclared: %s follows from %s, and no table declares that", short(e.EventType()), cmp.Or(short(in.cause), "a request")))
		}
		after.topic = m.topics.add(after.topic, r)
		if len(m.topics.values[after.topic].records) > most {
			after.breach = m.breaches.id(fmt.Sprintf("loops: %s has published more than %d records of one order", serviceNames[service], most))
		}
		said := r.emitted().Type
		if reason := r.emitted().Reason; reason != "" {
			said += " (" + reason + ")"
		}
		if lost {
			said += ", which is lost"
		}
		t.emits = append(t.emits, short(said))
	}
}

// distinct makes the names of moves from one place distinct: a schedule is
// made of them.
func distinct(moves []move) []move {
	seen := map[string]int{}
	for i := range moves {
		name := moves[i].name
		if seen[name]++; seen[name] > 1 {
			moves[i].name = fmt.Sprintf("%s#%d", name, seen[name])
		}
	}
	return moves
}

func nameOf(v any) string {
	s := fmt.Sprintf("%T", v)
	return s[strings.LastIndexByte(s, '.')+1:]
}
