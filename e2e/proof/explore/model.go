package explore

import (
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// model is a system in a scope, as far as it is computed yet.
type model struct {
	sys   System
	scope Scope

	orders       *interned[order.Order]
	reservations *interned[inventory.Reservation]
	payments     *interned[payment.Payment]
	shipments    *interned[shipping.Shipment]
	mailboxes    *interned[email.Mailbox]
	machines     [services]*machine

	topics   *topics
	calls    *interned[[]call]
	flying   *interned[[]call]
	timers   *interned[[]timer]
	ledgers  *interned[ledger]
	levels   *interned[levels]
	breaches *interned[string]
	began    levels // the stock at the start
	trade    *trade
	parts    [services]*part

	follows   map[follow]bool
	delivered map[int32]int32
	law       []bool   // of levels: whether they are lawful
	wrong     []string // the result of check, reused
	resting   map[[services]uint32][]string
	steps     []step // the result of successors, reused
}

func newModel(sys System, scope Scope) *model {
	same, twin := sorted, turned
	if scope.exact {
		same, twin = nil, nil
	}
	m := &model{
		sys: sys, scope: scope, began: scope.shelf(),
		orders: newInterned(same), reservations: newInterned[inventory.Reservation](nil), payments: newInterned[payment.Payment](nil),
		shipments: newInterned[shipping.Shipment](nil), mailboxes: newInterned[email.Mailbox](nil),
		calls: newInterned[[]call](nil), flying: newInterned[[]call](nil), timers: newInterned[[]timer](nil), ledgers: newInterned[ledger](nil),
		levels: newInterned[levels](nil), breaches: newInterned[string](nil), trade: newTrade(),
		follows: declared(sys.Rows()), delivered: map[int32]int32{}, resting: map[[services]uint32][]string{},
	}
	m.machines = [services]*machine{
		newMachine(sys.Order, sys.altered, m.orders, store[order.Order]{twin: twin, shown: progressShownIn}),
		newMachine(sys.Inventory, sys.altered, m.reservations, store[inventory.Reservation]{lend: lendLevels, absorb: absorbLevels}),
		newMachine(sys.Payment, sys.altered, m.payments, store[payment.Payment]{names: func(p payment.Payment) []string { return []string{p.ID} }}),
		newMachine(sys.Shipping, sys.altered, m.shipments, store[shipping.Shipment]{names: func(s shipping.Shipment) []string { return []string{s.ID} }}),
		newMachine(sys.Email, sys.altered, m.mailboxes, store[email.Mailbox]{names: noticeNames, shown: noticesShownIn}),
	}
	m.topics = newTopics(&m.machines)
	for s := range m.parts {
		m.parts[s] = newPart()
	}
	return m
}

// initial is the world before anything happened.
func (m *model) initial() []uint32 {
	v := make([]uint32, 0, m.scope.Orders*services+1)
	for n := range m.scope.Orders {
		for s := range services {
			l := local{order: int8(n + 1)}
			if s == ofOrder && m.scope.Foreign {
				l.placed = true
				l.topic = m.topics.add(0, record{ID: "foreign/" + orderID(l.order) + "/1", Event: m.scope.placedEvent(l.order)})
			}
			v = append(v, uint32(m.parts[s].id(l)))
		}
	}
	return append(v, uint32(m.levels.id(m.began)))
}

// innerMoves are a service's steps that need no record.
func (m *model) innerMoves(service int, c int32) []move {
	p := m.parts[service]
	if p.inner[c] != nil {
		return p.inner[c]
	}
	moves := []move{}
	if l := p.values[c]; l.breach == 0 {
		if service == ofOrder {
			moves = append(moves, m.requests(l)...)
		}
		moves = append(moves, m.attempts(service, l)...)
		moves = append(moves, m.elapses(service, l)...)
		moves = append(moves, m.crashes(service, l)...)
	}
	p.inner[c] = distinct(moves)
	return p.inner[c]
}

func (m *model) elapses(service int, l local) []move {
	var moves []move
	for i, t := range m.timers.values[l.timers] {
		gone := l
		gone.timers = m.timers.id(slices.Delete(slices.Clone(m.timers.values[l.timers]), i, i+1))
		for _, r := range m.feed(service, gone, input{id: t.ID, cause: t.Cause, body: t.Body}, nil) {
			moves = append(moves, m.moved(service, r, strings.ToLower(t.Name), told{what: "finds that its " + t.Name + " has passed"}))
		}
	}
	return moves
}

// requests are the steps of people and foreign producers on an order.
func (m *model) requests(l local) []move {
	var moves []move
	ask := func(name, id, what string, command any, change func(*local), optional bool) {
		after := l
		change(&after)
		for _, r := range m.feed(ofOrder, after, input{id: id, body: command}, nil) {
			if strings.HasPrefix(m.breaches.values[r.after.breach], "parks: ") && refusal(r.told.error) {
				continue // an answer that changes nothing
			}
			mv := m.moved(ofOrder, r, name, told{what: what, with: "customer", said: nameOf(command)})
			mv.optional = optional
			if mv.to != m.parts[ofOrder].id(l) {
				moves = append(moves, mv)
			}
		}
	}
	id := "request/" + orderID(l.order) + "/"
	if !l.placed {
		ask("place", id+"place", "is asked to place the order", m.scope.placeOrder(l.order), func(l *local) { l.placed = true }, false)
	}
	if m.scope.May.has(Cancels) {
		ask("cancel", id+"cancel", "is asked to cancel the order", order.CancelOrder{OrderID: orderID(l.order)}, func(*local) {}, true)
	}
	if !l.placed {
		return moves
	}
	if m.scope.May.has(Duplicates) && !m.sys.Kit.Inbox && !m.scope.Foreign && l.again < broken {
		ask("place-again", id+"place", "is asked again to place the order, under the same key", m.scope.placeOrder(l.order), func(l *local) { l.again++ }, true)
	}
	second := record{ID: "foreign/" + orderID(l.order) + "/2", Event: m.scope.anotherPlacing(l.order)}
	if m.scope.May.has(Twice) && !slices.ContainsFunc(m.topics.values[l.topic].records, func(r record) bool { return r.ID == second.ID }) {
		after := l
		after.topic = m.topics.add(l.topic, second)
		mv := m.bare(ofOrder, after, "published-again", told{what: "'s topic gets the order once more, under another id: a foreign producer published it"})
		mv.optional = true
		moves = append(moves, mv)
	}
	return moves
}

// refusal reports whether an error is a command's answer, and no fault of the
// participant.
func refusal(err string) bool {
	return err != "" && !strings.Contains(err, flow.ErrUndeclared.Error()) && !strings.Contains(err, "panicked") && !strings.Contains(err, "reaction of")
}

// bare is a move without a reaction.
func (m *model) bare(service int, after local, name string, t told) move {
	t.who = serviceNames[service]
	return move{name: name, to: m.parts[service].id(after), stock: -1, told: t}
}

// failing is a bare move in which something goes wrong.
func (m *model) failing(f fault, service int, after local, name string, t told) move {
	mv := m.bare(service, after, name, t)
	mv.fault = f
	return mv
}

// moved is a move that a reaction made.
func (m *model) moved(service int, r result, name string, t told) move {
	t.who = serviceNames[service]
	t.emits, t.asks, t.error = r.told.emits, r.told.asks, r.told.error
	t.what += r.told.what
	if r.suffix == "@stale" {
		t.what += ", with a state that is out of date"
	}
	return move{name: name + r.suffix, to: m.parts[service].id(r.after), stock: -1, told: t}
}

// deliver puts pieces on the shelf: inventory's own command, once.
func (m *model) deliver(stock int32) (int32, bool) {
	before := m.levels.values[stock]
	if !m.scope.May.has(Delivery) || m.scope.open || before[sku].Received > m.began[sku].Received || m.lawless(stock) {
		return 0, false
	}
	after, known := m.delivered[stock]
	if !known {
		after = m.levels.id(m.received(before))
		m.delivered[stock] = after
	}
	return after, after != stock
}
