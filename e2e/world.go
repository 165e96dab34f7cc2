package e2e

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
)

// World is a running system with the state of one story on it. Every story has shelves
// of its own. So it can be repeated, or played beside another, on the same system.
type World struct {
	*Client
	Topics  *Topics
	Control Control // nil when no process of the system may be touched
	Before  *Seen   // the system when it was judged last and all was well, perhaps in another story; nil when it was not
	// Attempted runs after each request of Insist and InsistOnCancelling. err is the
	// reason for a retry, if there is one. The field may be nil.
	Attempted func(begun time.Time, err error)

	Narrator
	run string // distinguishes this story's SKUs, customers and keys

	mu     sync.Mutex
	n      int
	placed []string
}

// Narrator receives the progress of a story.
type Narrator struct {
	Say  func(format string, args ...any) // an action of the story
	Show func(order string)               // an order whose flow is worth showing
}

// NewWorld makes a world of the system at t. control is nil when no process of the
// system may be touched.
func NewWorld(t Target, control Control, n Narrator) (*World, error) {
	topics, err := OpenTopics(t)
	if err != nil {
		return nil, err
	}
	return &World{Client: NewClient(t), Topics: topics, Control: control, Narrator: n, run: uuid.NewString()[:8]}, nil
}

// Placed are the acknowledged orders of this story.
func (w *World) Placed() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.placed)
}

// name makes a name that no other story uses.
func (w *World) name(what string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	return fmt.Sprintf("%s-%s-%d", what, w.run, w.n)
}

// Shelf puts a quantity of a new SKU into stock.
func (w *World) Shelf(ctx context.Context, quantity int) (sku string, err error) {
	sku = w.name("sku")
	key := w.name("delivery")
	return sku, Until(ctx, "stock of "+sku+" is received", func(ctx context.Context) (bool, error) {
		err := w.Receive(ctx, sku, quantity, key)
		return err == nil, err
	})
}

// Basket is a good customer's order of two pieces of a SKU, at 1250 cents each.
func (w *World) Basket(sku string) Placement {
	return Placement{
		CustomerID: "c-" + w.run, Email: w.name("ada") + "@example.com", Currency: "EUR", PaymentToken: "tok_ok",
		ShippingAddress: Address{Name: "Ada Lovelace", Line1: "12 St James's Square", City: "London", Postcode: "SW1Y 4JH", Country: "GB"},
		Lines:           []Line{{SKU: sku, Quantity: 2, UnitPrice: 1250}},
	}
}

// Order places a basket.
func (w *World) Order(ctx context.Context, p Placement) (order string, err error) {
	if order, err = w.Place(ctx, p, w.name("key")); err != nil {
		return "", err
	}
	w.acknowledged(order)
	w.Show(order)
	return order, nil
}

// Insist places a basket as a patient customer does: with one key, again and again
// until a success. A request without an answer, or one answered with "not now", may
// have been handled. The key prevents a second order.
func (w *World) Insist(ctx context.Context, p Placement) (order string, err error) {
	key := w.name("key")
	err = Until(ctx, "the order is taken", func(ctx context.Context) (bool, error) {
		begun := time.Now()
		named, err := w.Place(ctx, p, key)
		w.attempted(begun, err)
		order = named
		return err == nil, err
	})
	if err != nil {
		return "", err
	}
	w.acknowledged(order)
	return order, nil
}

// InsistOnCancelling requests the cancellation of an order until there is an answer: the
// request is accepted, or the order has ended.
func (w *World) InsistOnCancelling(ctx context.Context, order string) error {
	return Until(ctx, "the cancellation of order "+order+" is answered", func(ctx context.Context) (bool, error) {
		begun := time.Now()
		err := w.Cancel(ctx, order)
		if refused(err, http.StatusConflict) {
			err = nil
		}
		w.attempted(begun, err)
		return err == nil, err
	})
}

func (w *World) attempted(begun time.Time, err error) {
	if w.Attempted != nil {
		w.Attempted(begun, err)
	}
}

func (w *World) acknowledged(order string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Contains(w.placed, order) {
		w.placed = append(w.placed, order)
	}
}

// Reach waits until an order's progress contains an event.
func (w *World) Reach(ctx context.Context, order, event string) error {
	return Until(ctx, "order "+order+" has "+event, func(ctx context.Context) (bool, error) {
		o, err := w.Find(ctx, order, 0)
		return o.Has(event), err
	})
}

// End waits until an order has ended, and compares its status and reason with the
// expected ones. A completed order has no reason.
func (w *World) End(ctx context.Context, order, status, reason string) error {
	var o Order
	err := Until(ctx, "order "+order+" has ended", func(ctx context.Context) (bool, error) {
		found, err := w.Find(ctx, order, 2*time.Second)
		if err == nil {
			o = found
		}
		return terminal(o.Status), err
	})
	if err != nil {
		return fmt.Errorf("%w (it is %q)", err, o.Status)
	}
	if o.Status != status || o.Reason != reason {
		return fmt.Errorf("order %s ended %s for %q, and should have ended %s for %q", order, o.Status, o.Reason, status, reason)
	}
	return nil
}

// Judge waits until the system is at rest, and checks the invariants of the protocol. It
// reads the state of the services, the topics, and the ledgers of the outside world. Its
// error lists every violation.
func (w *World) Judge(ctx context.Context) error {
	if err := w.Quiesce(ctx); err != nil {
		return err
	}
	seen, err := Look(ctx, w.Client, w.Topics, w.Placed(), w.Before)
	if err != nil {
		return fmt.Errorf("look at the system: %w", err)
	}
	if err := seen.Err(); err != nil {
		return err
	}
	w.Before = seen
	return nil
}

// Told waits until a notification to the customer of an order has an outcome,
// and returns it.
func (w *World) Told(ctx context.Context, order, kind string) (n Notification, err error) {
	err = Until(ctx, "the customer of order "+order+" is told "+kind, func(ctx context.Context) (bool, error) {
		all, err := w.NotificationsOf(ctx, order)
		at := slices.IndexFunc(all, func(n Notification) bool { return n.Kind == kind })
		if err != nil || at < 0 {
			return false, err
		}
		n = all[at]
		return n.Status == "sent" || n.Status == "failed", nil
	})
	return n, err
}

// money are the effects of the provider on an order, in their order. Repeats have no
// effect, and are left out.
func (w *World) money(ctx context.Context, order string) ([]string, error) {
	entries, err := w.Ledger(ctx, "payments")
	if err != nil {
		return nil, err
	}
	var did []string
	for _, e := range entries {
		if e.OrderID == order && (e.Outcome == "captured" || e.Outcome == "voided" || e.Outcome == "refunded" || e.Outcome == "declined") {
			did = append(did, e.Outcome)
		}
	}
	return did, nil
}

// parcels are the effects of the carrier on an order.
func (w *World) parcels(ctx context.Context, order string) ([]string, error) {
	entries, err := w.Ledger(ctx, "shipments")
	if err != nil {
		return nil, err
	}
	var did []string
	for _, e := range entries {
		if e.OrderID == order && (e.Outcome == "booked" || e.Outcome == "unbooked" || e.Outcome == "refused") {
			did = append(did, e.Outcome)
		}
	}
	return did, nil
}

// expectMoney compares the provider's effects with the expected ones.
func (w *World) expectMoney(ctx context.Context, order string, want ...string) error {
	did, err := w.money(ctx, order)
	if err == nil && !slices.Equal(did, want) {
		err = fmt.Errorf("the provider did %q about order %s, and should have done %q", did, order, want)
	}
	return err
}

// expectParcels compares the carrier's effects with the expected ones.
func (w *World) expectParcels(ctx context.Context, order string, want ...string) error {
	did, err := w.parcels(ctx, order)
	if err == nil && !slices.Equal(did, want) {
		err = fmt.Errorf("the carrier did %q about order %s, and should have done %q", did, order, want)
	}
	return err
}
