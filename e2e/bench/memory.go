package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// actor is a service's reactions, with the states in a map. It reads every event of its
// topics by the event's schema, and reacts to the events of its table.
type actor interface {
	react(id, key string, input any) (flow.Outputs, error)
	read(ctx context.Context, e message) (flow.Outputs, error)
	encode(e flow.Event) (message, error)
	forget(key string)
}

// message is an event as it is on a topic.
type message struct {
	id, key, topic, schema string
	value                  []byte
}

type states[S any] struct {
	name    string
	topics  map[string]bool
	table   flow.Table[S]
	codec   *registry.Codec
	prepare func(S) S // adds to a state the data that its store would lend to it
	of      map[string]S
}

func newStates[S any](ctx context.Context, p flow.Participant[S], contract *registry.Contract, registryURL string, prepare func(S) S) (actor, error) {
	table, err := p.Table()
	if err != nil {
		return nil, err
	}
	codec := registry.NewCodec(contract, registry.NewClient(registryURL, 3*time.Second), p.Service)
	if err := codec.Register(ctx); err != nil {
		return nil, err
	}
	topics := map[string]bool{}
	for _, topic := range p.Topics() {
		topics[topic] = true
	}
	return &states[S]{p.Service, topics, table, codec, prepare, map[string]S{}}, nil
}

func (a *states[S]) react(id, key string, input any) (flow.Outputs, error) {
	name := ""
	if e, is := input.(flow.Event); is {
		name = e.EventType()
	} else {
		name = flow.Name(input)
	}
	next, out, err := a.table[name].React(a.name, a.prepare(a.of[key]), id, time.Now(), input)
	a.of[key] = next
	return out, err
}

func (a *states[S]) read(ctx context.Context, m message) (flow.Outputs, error) {
	if !a.topics[m.topic] {
		return flow.Outputs{}, nil
	}
	w, err := a.codec.Writer(ctx, m.value, m.schema)
	if err != nil {
		return flow.Outputs{}, err
	}
	reaction, reacts := a.table[w.Name()]
	if !reacts {
		return flow.Outputs{}, nil
	}
	body, err := reaction.Decode(w.Decode)
	if err != nil {
		return flow.Outputs{}, err
	}
	return a.react(m.id, m.key, body)
}

func (a *states[S]) encode(e flow.Event) (message, error) {
	value, schema, err := a.codec.Encode(e.EventType(), e)
	return message{uuid.NewString(), e.EventKey(), flow.Topic(a.name), schema, value}, err
}

func (a *states[S]) forget(key string) { delete(a.of, key) }

// inMemory is the arm M: our services without transport, database and outside world. One
// goroutine runs all of them.
type inMemory struct{ actors []actor }

func newInMemory(ctx context.Context, registryURL string) (*inMemory, error) {
	contract, err := registry.Load(schemas.FS)
	if err != nil {
		return nil, err
	}
	levels := map[string]inventory.Level{}
	for n := range shelves {
		levels[sku(n)] = inventory.Level{OnHand: 1e9, Received: 1e9}
	}
	stocked := func(r inventory.Reservation) inventory.Reservation {
		if r.Levels == nil {
			r.Levels = levels // a reaction changes a copy
		}
		return r
	}
	o, err1 := newStates(ctx, order.Flow, contract, registryURL, same[order.Order])
	i, err2 := newStates(ctx, inventory.Flow, contract, registryURL, stocked)
	p, err3 := newStates(ctx, payment.Flow, contract, registryURL, same)
	s, err4 := newStates(ctx, shipping.Flow, contract, registryURL, same)
	e, err5 := newStates(ctx, email.Flow, contract, registryURL, same)
	return &inMemory{[]actor{o, i, p, s, e}}, errors.Join(err1, err2, err3, err4, err5)
}

func same[S any](s S) S { return s }

// place plays one order to its end.
func (m *inMemory) place(ctx context.Context, n int) error {
	id := uuid.NewString()
	out, err := m.actors[0].react(id, id, placing(id, n))
	if err != nil {
		return err
	}
	ended := false
	var follow func(a actor, out flow.Outputs) error
	follow = func(a actor, out flow.Outputs) error {
		for _, effect := range out.Calls {
			next, err := a.react(uuid.NewString(), id, answer(effect))
			if err != nil {
				return err
			}
			if err := follow(a, next); err != nil {
				return err
			}
		}
		for _, e := range out.Events {
			written, err := a.encode(e)
			if err != nil {
				return err
			}
			ended = ended || e.EventType() == events.OrderCompleted{}.EventType()
			for _, reader := range m.actors {
				next, err := reader.read(ctx, written)
				if err != nil {
					return err
				}
				if err := follow(reader, next); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := follow(m.actors[0], out); err != nil {
		return err
	}
	if !ended {
		return fmt.Errorf("order %s was not completed", id)
	}
	for _, a := range m.actors {
		a.forget(id)
	}
	return nil
}

func inMemoryOnly(ctx context.Context, s *System, p Plan) (Run, error) {
	m, err := newInMemory(ctx, s.Target.Registry)
	if err != nil {
		return Run{}, err
	}
	return m.window(ctx, p)
}

// window plays orders one after the other, and measures like the other arms.
func (m *inMemory) window(ctx context.Context, p Plan) (Run, error) {
	begin := time.Now()
	w := window{begin.Add(p.Warm), begin.Add(p.Warm + p.For)}
	var from, to usage
	n := 0
	for i := 0; ; i++ {
		now := time.Now()
		switch {
		case !now.Before(w.to):
			to = measure(nil)[harness]
			cpu := float64((to.cpu - from.cpu).Microseconds()) / 1000 / float64(n)
			return Run{Point: Saturated, Completed: n, Rate: float64(n) / p.For.Seconds(), Parts: map[string]Part{inside: {CPU: cpu}}}, nil
		case w.holds(now):
			if n == 0 {
				from = measure(nil)[harness]
			}
			n++
		}
		if err := m.place(ctx, i); err != nil {
			return Run{}, err
		}
	}
}

// placing is the command that the other arms get as a request.
func placing(id string, n int) order.PlaceOrder {
	return order.PlaceOrder{
		OrderID: id, CustomerID: "c-" + strconv.Itoa(n), Email: "ada@example.com", PaymentToken: "tok_ok", Currency: "EUR", Total: 7400, Deadline: time.Hour,
		Lines:           []events.OrderLine{{SKU: sku(n), Quantity: 2, UnitPrice: 1250}, {SKU: sku(n + 7), Quantity: 1, UnitPrice: 4900}},
		ShippingAddress: &events.Address{Name: "Ada Lovelace", Line1: "12 St James's Square", City: "London", Postcode: "SW1Y 4JH", Country: "GB"},
	}
}

// answer is the answer of an outside world that accepts every call.
func answer(effect any) any {
	switch e := effect.(type) {
	case payment.Charge:
		return payment.Charged{Outcome: payment.Approved}
	case shipping.Book:
		return shipping.BookingAnswered{Outcome: shipping.Accepted, TrackingNumber: "T-" + e.OrderID}
	case email.SendMail:
		return email.MailAnswered{NotificationID: e.NotificationID}
	}
	return nil
}
