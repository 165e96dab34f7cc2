package flowdoc

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// story is one course of events: the customer's actions and the answers of the outside
// world. The rest follows from the tables.
type story struct {
	name  string
	tells string
	// answers are results by the name of the call; calls without an entry go well.
	answers map[string]any
	stock   int64
	// before is the input just before an event is delivered to a service, written as
	// "Event>service".
	before map[string]any
	ends   order.Status
}

// machine is one participant with its state of the story's order.
type machine struct {
	service string
	react   func(id string, input any) (flow.Outputs, error)
	status  func() string
}

func newMachine[S any](p flow.Participant[S], state S, status func(S) string) *machine {
	return &machine{
		service: p.Service,
		react: func(id string, input any) (flow.Outputs, error) {
			next, out, err := p.React(state, id, time.Unix(0, 0).UTC(), input)
			if err == nil {
				state = next
			}
			return out, err
		},
		status: func() string { return status(state) },
	}
}

// stage is the play of one story.
type stage struct {
	story    story
	machines []*machine
	queue    []delivery
	lines    []string
	steps    int
}

type delivery struct {
	to    *machine
	event flow.Event
}

func (s story) draw() (string, error) {
	st := &stage{story: s, machines: []*machine{
		newMachine(order.Flow, order.Order{}, func(o order.Order) string { return string(o.Status) }),
		newMachine(inventory.Flow, inventory.Reservation{Levels: map[string]inventory.Level{sku: {OnHand: s.stock, Received: s.stock}}},
			func(r inventory.Reservation) string { return string(r.Status) }),
		newMachine(payment.Flow, payment.Payment{}, func(p payment.Payment) string { return string(p.Status) }),
		newMachine(shipping.Flow, shipping.Shipment{}, func(x shipping.Shipment) string { return string(x.Status) }),
		newMachine(email.Flow, email.Mailbox{}, func(email.Mailbox) string { return "" }),
	}}
	st.line("actor customer")
	for _, m := range st.machines {
		st.line("participant %s", m.service)
	}
	st.line("participant outside as provider, carrier, mail")
	st.line("customer->>order: PlaceOrder")
	if err := st.feed(st.machines[0], place); err != nil {
		return "", err
	}
	for len(st.queue) > 0 {
		d := st.queue[0]
		st.queue = st.queue[1:]
		if err := st.deliver(d); err != nil {
			return "", err
		}
	}
	if got := st.machines[0].status(); got != string(s.ends) {
		return "", fmt.Errorf("ends %s, want %s", got, s.ends)
	}
	return "```mermaid\nsequenceDiagram\n" + strings.Join(st.lines, "\n") + "\n```\n", nil
}

func (st *stage) line(format string, args ...any) {
	st.lines = append(st.lines, "    "+fmt.Sprintf(format, args...))
}

func (st *stage) deliver(d delivery) error {
	if in := st.story.before[short(d.event.EventType())+">"+d.to.service]; in != nil {
		from := "customer"
		if _, timer := in.(order.Deadline); timer {
			from = "order"
		}
		st.line("%s->>order: %s", from, strings.TrimPrefix(fmt.Sprintf("%T", in), "order."))
		if err := st.feed(st.machines[0], in); err != nil {
			return err
		}
		// A cancellation that was requested meanwhile arrives first.
		last := len(st.queue)
		for i, q := range st.queue {
			if short(q.event.EventType()) == "CancellationRequested" {
				last = min(last, i)
			}
		}
		for _, q := range st.queue[last:] {
			if err := st.hear(q); err != nil {
				return err
			}
		}
		st.queue = st.queue[:last]
	}
	return st.hear(d)
}

func (st *stage) hear(d delivery) error {
	st.line("%s-->>%s: %s", d.event.EventOwner(), d.to.service, short(d.event.EventType()))
	return st.feed(d.to, d.event)
}

// feed gives a participant an input, answers its calls, and queues its events for their
// consumers.
func (st *stage) feed(m *machine, input any) error {
	st.steps++
	before := m.status()
	out, err := m.react(fmt.Sprintf("step-%d", st.steps), input)
	if err != nil {
		return err
	}
	if after := m.status(); after != before {
		st.line("Note over %s: %s", m.service, after)
	}
	for _, e := range out.Events {
		for _, to := range st.machines {
			if slices.Contains(Consumers(Rows(), e.EventType()), to.service) {
				st.queue = append(st.queue, delivery{to, e})
			}
		}
	}
	for _, call := range out.Calls {
		if err := st.answer(m, call); err != nil {
			return err
		}
	}
	return nil
}

func (st *stage) answer(m *machine, call any) error {
	name := reflect.TypeOf(call).Name()
	if mail, ok := call.(email.SendMail); ok {
		st.line("%s->>outside: %s %s", m.service, name, mail.Kind)
		return st.feed(m, email.MailAnswered{NotificationID: mail.NotificationID})
	}
	result := st.story.answers[name]
	if result == nil {
		result = well[name]
	}
	st.line("%s->>outside: %s", m.service, name)
	st.line("outside->>%s: %s", m.service, outcome(result))
	return st.feed(m, result)
}

func outcome(result any) string {
	switch r := result.(type) {
	case payment.Charged:
		return string(r.Outcome)
	case shipping.BookingAnswered:
		return string(r.Outcome)
	}
	return "done"
}
