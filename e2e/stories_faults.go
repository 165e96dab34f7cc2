package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ProviderTimeout is a charge whose answer is lost.
func ProviderTimeout() Story {
	return Story{"provider timeout", "The charge succeeds and its answer is lost: asked again under the same key, the provider charges once.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.PaymentToken = "tok_timeout" })
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "completed", ""); err != nil {
			return err
		}
		return w.expectMoney(ctx, order, "captured")
	}}
}

// ProviderLost is a charge after which the provider answers nothing more.
func ProviderLost() Story {
	return Story{"provider lost", "The charge succeeds, and the provider answers nothing any more: the order waits, and once the line is mended all is undone.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.PaymentToken = "tok_lost" })
		if err != nil {
			return err
		}
		if err := w.atPayment(ctx, order, "voiding"); err != nil {
			return err
		}
		o, err := w.Find(ctx, order, 0)
		if err != nil {
			return err
		}
		if terminal(o.Status) {
			return fmt.Errorf("order %s ended %s while nobody knew what became of its money", order, o.Status)
		}
		w.Say("the line to the provider is mended")
		if err := w.Mend(ctx, "payment"); err != nil {
			return err
		}
		if err := w.End(ctx, order, "cancelled", "provider_unavailable"); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order, "captured", "voided"),
			w.expectParcels(ctx, order),
			w.expectMail(ctx, order, "order_cancelled", "the payment did not go through"),
		)
	}}
}

// FlakyProvider is a charge that is refused for a moment.
func FlakyProvider() Story {
	return Story{"flaky provider", "The provider is unavailable twice and then charges.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.PaymentToken = "tok_flaky" })
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "completed", ""); err != nil {
			return err
		}
		return w.expectMoney(ctx, order, "captured")
	}}
}

// BookingWithoutAnswer is a booking whose answer is lost.
func BookingWithoutAnswer() Story {
	return Story{"booking without an answer", "The parcel is booked and the answer is lost: asked again under the same key, the carrier books once.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.ShippingAddress.Country = "XT" })
		if err != nil {
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

// CarrierLost is a booking after which the carrier answers nothing more. Its fault
// affects every order on the system, so the story is not among the gentle ones.
func CarrierLost() Story {
	return Story{"carrier lost", "The parcel is booked, and the carrier answers nothing any more: the booking is undone before the money is given back.", OnlyURLs, func(ctx context.Context, w *World) error {
		if err := w.Break(ctx, Fault{Dependency: "carrier", Kind: "lost", Rate: 1}); err != nil {
			return err
		}
		order, err := w.orderWith(ctx, func(*Placement) {})
		if err == nil {
			err = Until(ctx, "the booking is being undone", func(ctx context.Context) (bool, error) {
				s, err := w.ShipmentOf(ctx, order)
				return s.Status == "unbooking", err
			})
		}
		if err == nil {
			err = w.expectMoney(ctx, order, "captured")
		}
		if err := errors.Join(err, w.Mend(ctx, "carrier")); err != nil {
			return err
		}
		if err := w.End(ctx, order, "cancelled", "carrier_unavailable"); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order, "captured", "refunded"),
			w.expectParcels(ctx, order, "booked", "unbooked"),
		)
	}}
}

// BouncedMail is a customer whose mailbox does not exist.
func BouncedMail() Story {
	return Story{"bounced mail", "The customer's mailbox does not exist: the order completes, and it is recorded that nobody was told.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.Email = "bounce+" + w.run + "@example.com" })
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "completed", ""); err != nil {
			return err
		}
		for _, kind := range []string{"order_placed", "order_completed"} {
			n, err := w.Told(ctx, order, kind)
			if err != nil {
				return err
			}
			if n.Status != "failed" || n.Cause != "bounced" {
				return fmt.Errorf("notification %s of order %s is %s (%s), and its mailbox does not exist", kind, order, n.Status, n.Cause)
			}
		}
		return nil
	}}
}

// GreylistedMail is a mail server that accepts a mail only after a retry.
func GreylistedMail() Story {
	return Story{"greylisted mail", "The mail server puts the sender off twice: the mail arrives at the third attempt, once.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.Email = "greylist+" + w.run + "@example.com" })
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "completed", ""); err != nil {
			return err
		}
		return errors.Join(
			w.expectMail(ctx, order, "order_placed", "received your order"),
			w.expectMail(ctx, order, "order_completed", "on its way"),
		)
	}}
}

// LastUnit is many customers that order the same last piece.
func LastUnit() Story {
	const customers = 50
	return Story{"last unit", fmt.Sprintf("%d customers order the last piece at once: one gets it.", customers), OnlyURLs, func(ctx context.Context, w *World) error {
		sku, err := w.Shelf(ctx, 1)
		if err != nil {
			return err
		}
		orders, errs := make([]string, customers), make([]error, customers)
		var all sync.WaitGroup
		for i := range customers {
			all.Go(func() {
				basket := w.Basket(sku)
				basket.Lines[0].Quantity = 1
				orders[i], errs[i] = w.Insist(ctx, basket)
			})
		}
		all.Wait()
		if err := errors.Join(errs...); err != nil {
			return err
		}
		winners := 0
		for _, order := range orders {
			if w.End(ctx, order, "completed", "") == nil {
				winners++
				w.Show(order)
			} else if err := w.End(ctx, order, "cancelled", "out_of_stock"); err != nil {
				return err
			}
		}
		if winners != 1 {
			return fmt.Errorf("%d of %d customers got the last piece", winners, customers)
		}
		return nil
	}}
}
