package explore

import (
	"slices"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// reaction is what a row of a table does.
type reaction[E, S any] func(S, E, *flow.Out) S

// replace returns the participant with another reaction to the input that r
// reacts to. A participant without one gets it as a further row.
func replace[S any](p flow.Participant[S], r flow.Reaction[S]) flow.Participant[S] {
	p = without(p, inputOf(r))
	p.Reactions = append(p.Reactions, r)
	return p
}

// without returns the participant without its reaction to an input, which is
// named as in its Rows: an event by its type, anything else by the name of its
// Go type.
func without[S any](p flow.Participant[S], input string) flow.Participant[S] {
	var kept []flow.Reaction[S]
	for _, r := range p.Reactions {
		if inputOf(r) != input {
			kept = append(kept, r)
		}
	}
	p.Reactions = kept
	return p
}

func inputOf[S any](r flow.Reaction[S]) string {
	return flow.Participant[S]{Reactions: []flow.Reaction[S]{r}}.Rows()[0].Input
}

// original is p's own reaction to inputs of type E, for one that changes only
// something about it. What a reaction that calls it declares must cover what the
// original puts out.
func original[E, S any](p flow.Participant[S]) reaction[E, S] {
	return altered[E](p, func(put any) any { return put })
}

// altered is p's own reaction with something changed in the events and the calls
// that it puts out: alter leaves alone what is of any other type.
func altered[E, V, S any](p flow.Participant[S], alter func(V) any) reaction[E, S] {
	change := func(put any) any {
		if v, is := put.(V); is {
			return alter(v)
		}
		return put
	}
	return func(s S, in E, out *flow.Out) S {
		next, o, err := p.React(s, out.ID("original"), out.Now(), in)
		if err != nil {
			out.Reject(err)
			return s
		}
		for _, e := range o.Events {
			e, _ = change(e).(flow.Event)
			out.Emit(e)
		}
		for _, call := range o.Calls {
			out.Call(change(call))
		}
		for _, t := range o.Timers {
			out.StartTimer(t.After, t.Timer)
		}
		if o.Reply != nil {
			out.Reply(o.Reply)
		}
		if slices.Contains(o.Stopped, nameOf(order.Deadline{})) { // the only timer that there is
			out.StopTimer(order.Deadline{})
		}
		return next
	}
}

// spoil replaces a participant's reaction to an event by one that is made of it.
// A participant without such a reaction gets one.
func spoil[E flow.Event, S any](p *flow.Participant[S], with func(own reaction[E, S]) reaction[E, S]) {
	*p = replace(*p, free(p.Service, flow.OnEvent[E](with(original[E](*p)))))
}

// spoilAnswer does so with the reaction to the result of a call.
func spoilAnswer[R, S any](p *flow.Participant[S], call any, with func(own reaction[R, S]) reaction[R, S]) {
	*p = replace(*p, free(p.Service, flow.OnResult[R](with(original[R](*p))).ResultOf(call)))
}

// spoilCommand does so with the reaction to a command.
func spoilCommand[C, S any](p *flow.Participant[S], with func(own reaction[C, S]) reaction[C, S]) {
	*p = replace(*p, free(p.Service, flow.OnCommand[C](with(original[C](*p)))))
}

// hearing is a reaction to something else than what came, or from another state;
// for spoil and its siblings.
func hearing[E, S any](as func(S, E) (S, E)) func(own reaction[E, S]) reaction[E, S] {
	return func(own reaction[E, S]) reaction[E, S] {
		return func(s S, e E, out *flow.Out) S {
			s, e = as(s, e)
			return own(s, e, out)
		}
	}
}

// keeping is a reaction that does as it should, and keeps something else.
func keeping[E, S any](as func(S) S) func(own reaction[E, S]) reaction[E, S] {
	return func(own reaction[E, S]) reaction[E, S] {
		return func(s S, e E, out *flow.Out) S { return as(own(s, e, out)) }
	}
}

// alterEvent changes what a participant puts out at an event.
func alterEvent[E flow.Event, V, S any](p *flow.Participant[S], alter func(V) any) {
	*p = replace(*p, free(p.Service, flow.OnEvent[E](altered[E](*p, alter))))
}

// alterAnswer does so with what it puts out at the result of a call.
func alterAnswer[R, V, S any](p *flow.Participant[S], call any, alter func(V) any) {
	*p = replace(*p, free(p.Service, flow.OnResult[R](altered[R](*p, alter)).ResultOf(call)))
}

// forget is a participant that does nothing at an event.
func forget[E flow.Event, S any](p *flow.Participant[S]) {
	spoil(p, func(reaction[E, S]) reaction[E, S] { return func(s S, _ E, _ *flow.Out) S { return s } })
}

// free declares everything that a service may put out: a fault is to be found
// in what it does, and not in that its author forgot to declare it.
func free[S any](service string, r flow.Reaction[S]) flow.Reaction[S] {
	switch service {
	case "order":
		return r.Emits(events.OrderPlaced{}, events.CancellationRequested{}, events.OrderCompleted{}, events.OrderCancelled{}).StartsTimer(order.Deadline{})
	case "inventory":
		return r.Emits(events.StockReserved{}, events.StockRejected{}, events.StockReleased{})
	case "payment":
		return r.Emits(events.PaymentProcessed{}, events.PaymentFailed{}, events.PaymentRefunded{}).Calls(payment.Charge{}, payment.Void{}, payment.Refund{})
	case "shipping":
		return r.Emits(events.ShipmentCreated{}, events.ShipmentFailed{}).Calls(shipping.Book{}, shipping.Unbook{})
	default:
		return r.Emits(events.NotificationSent{}, events.NotificationFailed{}).Calls(email.SendMail{})
	}
}
