package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// CancelBeforeReservation is an order whose cancellation is requested before inventory
// has received it.
func CancelBeforeReservation() Story {
	return Story{"cancel while inventory is away", "Cancelled before anything was reserved: inventory comes back, reserves, and is told to release; nothing is charged.", ProcessControl, func(ctx context.Context, w *World) error {
		sku, err := w.Shelf(ctx, 5)
		if err != nil {
			return err
		}
		if err := w.Control.Terminate("inventory"); err != nil {
			return err
		}
		order, err := w.Order(ctx, w.Basket(sku))
		if err != nil {
			return err
		}
		if err := w.Cancel(ctx, order); err != nil {
			return err
		}
		// Payment must handle the cancellation before the reservation: the topics
		// of two owners have no order between them.
		if err := errors.Join(w.idle(ctx, "order"), w.idle(ctx, "payment")); err != nil {
			return err
		}
		if err := w.back(ctx, "inventory"); err != nil {
			return err
		}
		if err := w.End(ctx, order, "cancelled", "customer"); err != nil {
			return err
		}
		return errors.Join(
			w.expectSteps(ctx, order, "OrderPlaced", "CancellationRequested", "StockReserved", "PaymentFailed", "StockReleased", "OrderCancelled"),
			w.expectMoney(ctx, order),
			w.expectParcels(ctx, order),
			w.expectMail(ctx, order, "order_cancelled", "you asked for it"),
		)
	}}
}

// OrderServiceAway is an order that the other services handle while order is stopped.
func OrderServiceAway() Story {
	return Story{"order service away", "The order service stops after placing: the order is reserved, charged and shipped without it, and completes when it returns.", ProcessControl, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(*Placement) {})
		if err != nil {
			return err
		}
		if err := w.idle(ctx, "order"); err != nil {
			return err
		}
		if err := w.Control.Terminate("order"); err != nil {
			return err
		}
		err = Until(ctx, "the order has shipped", func(ctx context.Context) (bool, error) {
			s, err := w.ShipmentOf(ctx, order)
			return s.Status == "booked", err
		})
		if err != nil {
			return err
		}
		if err := w.back(ctx, "order"); err != nil {
			return err
		}
		if err := w.End(ctx, order, "completed", ""); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order, "captured"),
			w.expectParcels(ctx, order, "booked"),
		)
	}}
}

// DeadlinePasses is a pair of orders whose deadline passes while payment is killed.
func DeadlinePasses() Story {
	return Story{"deadline", "Payment is killed, with one order's charge under way and another's not begun. Their deadline passes. Payment comes back: one is refunded, the other never charged.", ProcessControl, func(ctx context.Context, w *World) error {
		return w.with(ctx, "order", "ORDER_DEADLINE=2s", w.deadlinePasses)
	}}
}

func (w *World) deadlinePasses(ctx context.Context) error {
	sku, err := w.Shelf(ctx, 10)
	if err != nil {
		return err
	}
	basket := w.Basket(sku)
	basket.PaymentToken = "tok_timeout"
	charged, err := w.Order(ctx, basket)
	if err != nil {
		return err
	}
	err = Until(ctx, "the charge is captured and not answered", func(ctx context.Context) (bool, error) {
		did, err := w.money(ctx, charged)
		return len(did) == 1, err
	})
	if err != nil {
		return err
	}
	if err := w.Control.Kill("payment"); err != nil {
		return err
	}
	uncharged, err := w.Order(ctx, w.Basket(sku))
	if err != nil {
		return err
	}
	for _, order := range []string{charged, uncharged} {
		if err := errors.Join(w.Reach(ctx, order, "CancellationRequested"), w.Reach(ctx, order, "StockReserved")); err != nil {
			return err
		}
	}
	// Shipping must handle the cancellation before PaymentProcessed.
	if err := errors.Join(w.idle(ctx, "order"), w.idle(ctx, "shipping")); err != nil {
		return err
	}
	if err := w.back(ctx, "payment"); err != nil {
		return err
	}
	if err := w.End(ctx, charged, "cancelled", "deadline"); err != nil {
		return err
	}
	if err := w.End(ctx, uncharged, "cancelled", "deadline"); err != nil {
		return err
	}
	return errors.Join(
		w.expectMoney(ctx, charged, "captured", "refunded"),
		w.expectUncharged(ctx, uncharged),
	)
}

// expectUncharged: an order was reserved, and its cancellation requested, while payment
// was away. When payment returns, it may read StockReserved first and charge the order.
// Then it must have refunded the money.
func (w *World) expectUncharged(ctx context.Context, order string) error {
	did, err := w.money(ctx, order)
	if err == nil && len(did) != 0 && fmt.Sprint(did) != "[captured refunded]" {
		err = fmt.Errorf("the provider did %q about order %s", did, order)
	}
	return err
}

// with calls do while a part runs with another setting.
func (w *World) with(ctx context.Context, part, setting string, do func(context.Context) error) error {
	if err := w.restart(ctx, part, setting); err != nil {
		return err
	}
	return errors.Join(do(ctx), w.restart(ctx, part))
}

// restart stops a part and starts it with settings.
func (w *World) restart(ctx context.Context, part string, settings ...string) error {
	if err := errors.Join(w.Control.Terminate(part), w.Control.Configure(part, settings...)); err != nil {
		return err
	}
	return w.back(ctx, part)
}

// back starts a process that was stopped and waits until it is ready.
func (w *World) back(ctx context.Context, name string) error {
	if err := w.Control.Start(name); err != nil {
		return err
	}
	return w.Control.WaitReady(ctx, name)
}

// expectSteps compares an order's progress with the expected events, in any order: of
// two owners' events the order service may read the later one first.
func (w *World) expectSteps(ctx context.Context, order string, want ...string) error {
	o, err := w.Find(ctx, order, 0)
	if err != nil {
		return err
	}
	var got []string
	for _, s := range o.Progress {
		got = append(got, s.Event)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		return fmt.Errorf("order %s went through %q, and should have gone through %q", order, got, want)
	}
	return nil
}
