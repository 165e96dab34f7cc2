package explore

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// operator makes a fault of a reaction, in the way in which a tired author does: it
// drops, repeats, forgets or confuses one thing.
type operator struct {
	name  string
	tells string // what is broken, of the target
	// targets are what the operator can be applied to in a reaction.
	targets func(r flow.Row) []string
	// before changes the state that the reaction is given, after what it returns; either
	// may be nil.
	before func(state reflect.Value, target string)
	after  func(before, next reflect.Value, out *flow.Outputs, target string)
}

var operators = []operator{
	{name: "ignore", tells: "nothing comes of it", targets: noTarget, after: func(before, next reflect.Value, out *flow.Outputs, _ string) {
		next.Set(before)
		*out = flow.Outputs{Reply: out.Reply}
	}},
	{name: "forget", tells: "what it changes is not kept", targets: noTarget, after: func(before, next reflect.Value, _ *flow.Outputs, _ string) {
		next.Set(before)
	}},
	{name: "lose", tells: "%s is not kept", targets: fieldsOfState, after: func(before, next reflect.Value, _ *flow.Outputs, field string) {
		next.FieldByName(field).Set(before.FieldByName(field))
	}},
	{name: "drop", tells: "%s is not put out", targets: outputs, after: func(_, _ reflect.Value, out *flow.Outputs, name string) {
		out.Events = slices.DeleteFunc(slices.Clone(out.Events), func(e flow.Event) bool { return nameOf(e) == name })
		out.Calls = slices.DeleteFunc(slices.Clone(out.Calls), func(c any) bool { return nameOf(c) == name })
		out.Timers = slices.DeleteFunc(slices.Clone(out.Timers), func(t flow.Started) bool { return nameOf(t.Timer) == name })
	}},
	{name: "repeat", tells: "%s is put out twice", targets: eventsAndCalls, after: func(_, _ reflect.Value, out *flow.Outputs, name string) {
		for _, e := range slices.Clone(out.Events) {
			if nameOf(e) == name {
				out.Events = append(slices.Clone(out.Events), e)
			}
		}
		for _, c := range slices.Clone(out.Calls) {
			if nameOf(c) == name {
				out.Calls = append(slices.Clone(out.Calls), c)
			}
		}
	}},
	{name: "blank", tells: "%s is empty", targets: fieldsOfOutputs, after: func(_, _ reflect.Value, out *flow.Outputs, target string) {
		change(out, target, func(field reflect.Value) { field.SetZero() })
	}},
	{name: "confuse", tells: "%s is another one", targets: reasons, after: func(_, _ reflect.Value, out *flow.Outputs, target string) {
		change(out, target, func(field reflect.Value) {
			other := events.ReasonCustomer
			if field.String() == string(other) {
				other = events.ReasonDeadline
			}
			field.Set(reflect.ValueOf(other))
		})
	}},
	{name: "tick-on", tells: "its timer is not stopped", targets: noTarget, after: func(_, _ reflect.Value, out *flow.Outputs, _ string) {
		out.Stopped = nil
	}},
	{name: "take-for", tells: "it acts as if the status were %s", targets: statuses, before: func(state reflect.Value, status string) {
		state.FieldByName("Status").SetString(status)
	}, after: func(before, next reflect.Value, _ *flow.Outputs, status string) {
		if now := next.FieldByName("Status"); now.String() == status { // it did nothing
			now.Set(before.FieldByName("Status"))
		}
	}},
}

// states are what the participants keep, and the statuses that these have.
var states = map[string]struct {
	state    any
	statuses []string
}{
	"order":     {order.Order{}, words(order.Pending, order.Cancelling, order.Completed, order.Cancelled)},
	"inventory": {inventory.Reservation{}, words(inventory.Unknown, inventory.Reserved, inventory.Rejected, inventory.Released, inventory.Shipped)},
	"payment": {payment.Payment{}, words(payment.Waiting, payment.Charging, payment.Voiding, payment.Paid, payment.Refunding,
		payment.Failed, payment.MoneyBack, payment.Closed)},
	"shipping": {shipping.Shipment{}, words(shipping.Waiting, shipping.Booking, shipping.Unbooking, shipping.Booked, shipping.Failed, shipping.Closed)},
	"email":    {email.Mailbox{}, nil},
}

// calls are all that the participants make, by name.
var calls = map[string]any{
	"Charge": payment.Charge{}, "Void": payment.Void{}, "Refund": payment.Refund{},
	"Book": shipping.Book{}, "Unbook": shipping.Unbook{}, "SendMail": email.SendMail{},
}

func words[T ~string](of ...T) []string {
	all := make([]string, len(of))
	for i, word := range of {
		all[i] = string(word)
	}
	return all
}

func noTarget(flow.Row) []string { return []string{""} }

func eventsAndCalls(r flow.Row) []string {
	var names []string
	for _, e := range r.Emits {
		names = append(names, nameOf(e))
	}
	return append(names, r.Calls...)
}

func outputs(r flow.Row) []string { return append(eventsAndCalls(r), r.Timers...) }

func statuses(r flow.Row) []string { return states[r.Service].statuses }

// keyField names the order in every state, event and call. Without it they would be of
// no order, which is no fault that an author could miss.
const keyField = "OrderID"

func fieldsOfState(r flow.Row) []string { return fields(states[r.Service].state) }

func fields(of any) []string {
	var names []string
	for field := range reflect.TypeOf(of).Fields() {
		if field.Name != keyField && !(field.Name == "ID" && nameOf(of) == "Order") {
			names = append(names, field.Name)
		}
	}
	return names
}

func fieldsOfOutputs(r flow.Row) []string {
	var all []string
	of := func(v any) {
		for _, field := range fields(v) {
			all = append(all, nameOf(v)+"."+field)
		}
	}
	for _, e := range r.Emits {
		of(e)
	}
	for _, name := range r.Calls {
		of(calls[name])
	}
	return all
}

func reasons(r flow.Row) []string {
	return slices.DeleteFunc(fieldsOfOutputs(r), func(target string) bool { return !strings.HasSuffix(target, ".Reason") })
}

// change changes one field of the outputs of a name.
func change(out *flow.Outputs, target string, with func(field reflect.Value)) {
	name, field, _ := strings.Cut(target, ".")
	changed := func(v any) any {
		if nameOf(v) != name {
			return v
		}
		copied := reflect.New(reflect.TypeOf(v)).Elem()
		copied.Set(reflect.ValueOf(v))
		with(copied.FieldByName(field))
		return copied.Interface()
	}
	out.Events, out.Calls = slices.Clone(out.Events), slices.Clone(out.Calls)
	for i, e := range out.Events {
		out.Events[i], _ = changed(e).(flow.Event)
	}
	for i, c := range out.Calls {
		out.Calls[i] = changed(c)
	}
}

// operatorOf returns the operator of a name.
func operatorOf(name string) (operator, error) {
	at := slices.IndexFunc(operators, func(o operator) bool { return o.name == name })
	if at < 0 {
		return operator{}, fmt.Errorf("no operator is called %q", name)
	}
	return operators[at], nil
}
