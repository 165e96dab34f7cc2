package simulation

import (
	"errors"
	"fmt"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// The participant of the simulation is a till. It consumes facts about an order from a
// shop, and about its goods from a store room. It takes the money once both are known,
// and sends a receipt. It writes each action into its state. So a judge can check from
// the outside the actions, their number, and their order.

type (
	// ordered is a fact of the shop, the N-th about its order.
	ordered struct {
		Order string `avro:"order"`
		N     int64  `avro:"n"`
		Extra string `avro:"extra"`
	}
	// held is a fact of the store room.
	held struct {
		Order string `avro:"order"`
		N     int64  `avro:"n"`
		Extra string `avro:"extra"`
	}
	// noted is the till's event, the N-th about an order.
	noted struct {
		Order string `avro:"order"`
		N     int64  `avro:"n"`
		What  string `avro:"what"`
	}
)

// EventType and the others implement [flow.Event].
func (ordered) EventType() string  { return "sim.shop.Ordered" }
func (held) EventType() string     { return "sim.room.Held" }
func (noted) EventType() string    { return "sim.till.Noted" }
func (ordered) EventOwner() string { return "shop" }
func (held) EventOwner() string    { return "room" }
func (noted) EventOwner() string   { return "till" }
func (e ordered) EventKey() string { return e.Order }
func (e held) EventKey() string    { return e.Order }
func (e noted) EventKey() string   { return e.Order }

type (
	// nudge is a command.
	nudge struct{ Name string }
	// charge takes the money, and is charged: approved, declined, given up or unknown.
	charge  struct{ ChargeID string }
	charged struct{ Outcome string }
	// void undoes a charge of unknown outcome, for as long as it takes.
	void   struct{ ChargeID string }
	voided struct{}
	// receipt is a mail, and is sent at most once: sent, given up or unknown.
	receipt struct{ Order string }
	sent    struct{ Outcome string }
	// stamp is a call; an order has two at once, in their order.
	stamp   struct{ N int }
	stamped struct{ N int }
	// reminder is a timer, the N-th that was started for its order.
	reminder struct{ N int64 }
)

// Till is the till's state of one order.
type Till struct {
	Order    string
	Shop     string // the facts that came, in their order
	Room     string
	Nudged   string // the commands
	ChargeID string
	Status   string // "", charging, voiding, paid, failed
	Receipt  string // "", sending, and how it ended
	Reminded int64
	Started  int64 // reminders, ever
	Running  int64 // the one that has neither run out nor been stopped
	Said     int64
	Words    string // the texts of its events
	Poisoned int64  // the database takes 0 only
}

var errNoName = errors.New("a nudge needs a name")

// remindAfter is the timer's time; a nudge moves it, the end stops it.
const remindAfter = 2 * time.Second

// table is the till's participant. The parameter ails returns the illness of an input,
// see illness.
func table(ails func(order, what string) string) flow.Participant[Till] {
	t := rules{ails}
	return flow.Participant[Till]{
		Service: "till",
		Reactions: []flow.Reaction[Till]{
			flow.OnEvent(t.ordered).Emits(noted{}).Calls(charge{}).StartsTimer(reminder{}),
			flow.OnEvent(t.held).Emits(noted{}).Calls(charge{}),
			flow.OnCommand(takeNudge).Emits(noted{}).StartsTimer(reminder{}),
			flow.OnResult(t.settle).ResultOf(charge{}).Emits(noted{}).Calls(void{}, receipt{}, stamp{}),
			flow.OnResult(t.noteStamp).ResultOf(stamp{}).Emits(noted{}),
			flow.OnResult(t.confirmVoid).ResultOf(void{}).Emits(noted{}),
			flow.OnResult(t.noteReceipt).ResultOf(receipt{}).Emits(noted{}),
			flow.OnTimer(t.remind).Emits(noted{}).StartsTimer(reminder{}),
		},
		Terminal: []flow.Event{noted{}},
	}
}

type rules struct {
	ails func(order, what string) string
}

func (t Till) say(what string, out *flow.Out) Till {
	t.Said++
	t.Words += what + "; "
	out.Emit(noted{Order: t.Order, N: t.Said, What: what})
	return t
}

func (r rules) ordered(t Till, e ordered, out *flow.Out) Till {
	t.Order = e.Order
	t = r.infect(t, fmt.Sprintf("shop %d", e.N), out)
	t.Shop += fmt.Sprintf("%d ", e.N)
	if e.N == 1 {
		t = t.startReminder(out)
	}
	return t.say(fmt.Sprintf("shop %d", e.N), out).charge(out)
}

func (r rules) held(t Till, e held, out *flow.Out) Till {
	t.Order = e.Order
	t = r.infect(t, fmt.Sprintf("room %d", e.N), out)
	t.Room += fmt.Sprintf("%d ", e.N)
	return t.say(fmt.Sprintf("room %d", e.N), out).charge(out)
}

// infect fails as the illness of an input makes it fail.
func (r rules) infect(t Till, what string, out *flow.Out) Till {
	switch r.ails(t.Order, what) {
	case poisonReaction:
		panic("an input that cannot be handled yet")
	case poisonRefusal:
		out.Reject(errNotYet)
	case poisonSave:
		t.Poisoned = 1
	}
	return t
}

// startReminder starts the timer, or moves it. An order that has ended, and one
// that was reminded twice, is not reminded again.
func (t Till) startReminder(out *flow.Out) Till {
	if t.Reminded < 2 && t.Status != "paid" && t.Status != "failed" {
		t.Started++
		t.Running = t.Started
		out.StartTimer(remindAfter, reminder{N: t.Started})
	}
	return t
}

func (t Till) stopReminder(out *flow.Out) Till {
	t.Running = 0
	out.StopTimer(reminder{})
	return t
}

func (t Till) charge(out *flow.Out) Till {
	if t.Shop != "" && t.Room != "" && t.Status == "" {
		t.Status, t.ChargeID = "charging", out.ID("charge")
		out.Call(charge{ChargeID: t.ChargeID})
	}
	return t
}

func takeNudge(t Till, c nudge, out *flow.Out) Till {
	if t.Order == "" || c.Name == "" {
		out.Reject(errNoName) // of an unknown order
		return t
	}
	t.Nudged += c.Name + " "
	if t.Status != "voiding" {
		t = t.startReminder(out)
	}
	out.Reply(t.Nudged)
	return t.say("nudge "+c.Name, out)
}

func (r rules) settle(t Till, c charged, out *flow.Out) Till {
	t = r.infect(t, "charge", out)
	switch c.Outcome {
	case "approved":
		t.Status, t.Receipt = "paid", "sending"
		out.Call(receipt{Order: t.Order})
		out.Call(stamp{1})
		out.Call(stamp{2})
		t = t.stopReminder(out)
	case "unknown":
		t.Status = "voiding"
		out.Call(void{ChargeID: t.ChargeID})
	default:
		t.Status = "failed"
		t = t.stopReminder(out)
	}
	return t.say("charge "+c.Outcome, out)
}

func (r rules) confirmVoid(t Till, _ voided, out *flow.Out) Till {
	t = r.infect(t, "void", out)
	t.Status = "failed"
	return t.stopReminder(out).say("voided", out)
}

func (r rules) noteReceipt(t Till, s sent, out *flow.Out) Till {
	t = r.infect(t, "receipt", out)
	t.Receipt = s.Outcome
	return t.say("receipt "+s.Outcome, out)
}

func (r rules) noteStamp(t Till, s stamped, out *flow.Out) Till {
	t = r.infect(t, fmt.Sprintf("stamp %d", s.N), out)
	return t.say(fmt.Sprintf("stamp %d", s.N), out)
}

// remind reminds at most twice. It reminds more often only when reminders were parked,
// and each of these was started before.
func (r rules) remind(t Till, e reminder, out *flow.Out) Till {
	t = r.infect(t, "reminder", out)
	if t.Running == e.N {
		t.Running = 0
	}
	t.Reminded++
	t = t.startReminder(out)
	return t.say(fmt.Sprintf("reminder %d %s", e.N, t.Status), out)
}
