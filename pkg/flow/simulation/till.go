package simulation

import (
	"errors"
	"fmt"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
)

// The participant of the simulation is a till. It hears of an order from a shop
// and of its goods from a store room, takes the money once both are known, and
// sends a receipt. Everything that it does is written into its state, so that
// a judge can tell from the outside what it did, how often, and in which order.

type (
	// ordered is a fact of the shop, the N-th about its order. Poison says what
	// is wrong with it.
	ordered struct {
		Order  string `avro:"order"`
		N      int64  `avro:"n"`
		Poison string `avro:"poison"`
	}
	// held is a fact of the store room.
	held struct {
		Order  string `avro:"order"`
		N      int64  `avro:"n"`
		Poison string `avro:"poison"`
	}
	// noted is what the till says, the N-th time about an order.
	noted struct {
		Order string `avro:"order"`
		N     int64  `avro:"n"`
		What  string `avro:"what"`
	}
)

// What is wrong with a fact, until it is mended.
const (
	poisonReaction = "reaction" // its reaction panics
	poisonSave     = "save"     // the database refuses the state that it leads to
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
	// stamp is a call of which an order has two at once, in their order.
	stamp   struct{ N int }
	stamped struct{ N int }
	// reminder is a timer.
	reminder struct{}
)

// Till is its state of one order.
type Till struct {
	Order    string
	Shop     string // the facts that came, in their order
	Room     string
	Nudged   string // the commands
	ChargeID string
	Status   string // "", charging, voiding, paid, failed
	Receipt  string // "", sending, and how it ended
	Reminded int64
	Said     int64
	Words    string // what was said
	Poisoned int64  // the database takes 0 only
}

var errNoName = errors.New("a nudge needs a name")

// remindAfter is the timer's time; a nudge moves it, the end stops it.
const remindAfter = 20 * time.Second

// table is the till's part. mended tells whether poison has lost its effect.
func table(mended func() bool) flow.Participant[Till] {
	t := rules{mended}
	return flow.Participant[Till]{
		Service: "till",
		Reactions: []flow.Reaction[Till]{
			flow.When(t.ordered).Emits(noted{}).Does(charge{}).Starts(reminder{}),
			flow.When(t.held).Emits(noted{}).Does(charge{}),
			flow.Asked(takeNudge).Emits(noted{}).Starts(reminder{}),
			flow.Answered(settle).To(charge{}).Emits(noted{}).Does(void{}, receipt{}, stamp{}),
			flow.Answered(noteStamp).To(stamp{}).Emits(noted{}),
			flow.Answered(confirmVoid).To(void{}).Emits(noted{}),
			flow.Answered(noteReceipt).To(receipt{}).Emits(noted{}),
			flow.Elapsed(remind).Emits(noted{}).Starts(reminder{}),
		},
		Terminal: []flow.Event{noted{}},
	}
}

type rules struct{ mended func() bool }

func (t Till) say(what string, out *flow.Out) Till {
	t.Said++
	t.Words += what + "; "
	out.Emit(noted{Order: t.Order, N: t.Said, What: what})
	return t
}

func (r rules) ordered(t Till, e ordered, out *flow.Out) Till {
	t.Order = e.Order
	t = r.infect(t, e.Poison)
	t.Shop += fmt.Sprintf("%d ", e.N)
	if e.N == 1 && t.Reminded < 2 {
		out.After(remindAfter, reminder{})
	}
	return t.say(fmt.Sprintf("shop %d", e.N), out).charge(out)
}

func (r rules) held(t Till, e held, out *flow.Out) Till {
	t.Order = e.Order
	t = r.infect(t, e.Poison)
	t.Room += fmt.Sprintf("%d ", e.N)
	return t.say(fmt.Sprintf("room %d", e.N), out).charge(out)
}

func (r rules) infect(t Till, poison string) Till {
	switch {
	case poison == "" || r.mended():
	case poison == poisonReaction:
		panic("a fact that cannot be handled yet")
	case poison == poisonSave:
		t.Poisoned = 1
	}
	return t
}

func (t Till) charge(out *flow.Out) Till {
	if t.Shop != "" && t.Room != "" && t.Status == "" {
		t.Status, t.ChargeID = "charging", out.ID("charge")
		out.Do(charge{ChargeID: t.ChargeID})
	}
	return t
}

func takeNudge(t Till, c nudge, out *flow.Out) Till {
	if t.Order == "" || c.Name == "" {
		out.Refuse(errNoName) // of an order that nobody has heard of
		return t
	}
	t.Nudged += c.Name + " "
	if t.Reminded < 2 && (t.Status == "" || t.Status == "charging") {
		out.After(remindAfter, reminder{})
	}
	out.Reply(t.Nudged)
	return t.say("nudge "+c.Name, out)
}

func settle(t Till, r charged, out *flow.Out) Till {
	switch r.Outcome {
	case "approved":
		t.Status, t.Receipt = "paid", "sending"
		out.Do(receipt{Order: t.Order})
		out.Do(stamp{1})
		out.Do(stamp{2})
		out.Stop(reminder{})
	case "unknown":
		t.Status = "voiding"
		out.Do(void{ChargeID: t.ChargeID})
	default:
		t.Status = "failed"
		out.Stop(reminder{})
	}
	return t.say("charge "+r.Outcome, out)
}

func confirmVoid(t Till, _ voided, out *flow.Out) Till {
	t.Status = "failed"
	out.Stop(reminder{})
	return t.say("voided", out)
}

func noteReceipt(t Till, r sent, out *flow.Out) Till {
	t.Receipt = r.Outcome
	return t.say("receipt "+r.Outcome, out)
}

func noteStamp(t Till, s stamped, out *flow.Out) Till {
	return t.say(fmt.Sprintf("stamp %d", s.N), out)
}

// remind reminds at most twice.
func remind(t Till, _ reminder, out *flow.Out) Till {
	if t.Reminded++; t.Reminded < 2 {
		out.After(remindAfter, reminder{})
	}
	return t.say(fmt.Sprintf("reminder %d %s", t.Reminded, t.Status), out)
}
