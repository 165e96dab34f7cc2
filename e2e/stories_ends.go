package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// HappyPath is an order without trouble.
func HappyPath() Story {
	return Story{"happy path", "Stock is reserved, the card charged, the parcel booked, and the customer told.", OnlyURLs, func(ctx context.Context, w *World) error {
		sku, err := w.Shelf(ctx, 5)
		if err != nil {
			return err
		}
		order, err := w.Order(ctx, w.Basket(sku))
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "completed", ""); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order, "captured"),
			w.expectParcels(ctx, order, "booked"),
			w.expectMail(ctx, order, "order_placed", "received your order"),
			w.expectMail(ctx, order, "order_completed", "on its way"),
		)
	}}
}

// OutOfStock is an order with one line that exceeds the stock.
func OutOfStock() Story {
	return Story{"out of stock", "Of two lines one is short: nothing is reserved, charged or shipped.", OnlyURLs, func(ctx context.Context, w *World) error {
		there, err := w.Shelf(ctx, 5)
		if err != nil {
			return err
		}
		short, err := w.Shelf(ctx, 1)
		if err != nil {
			return err
		}
		basket := w.Basket(there)
		basket.Lines = append(basket.Lines, Line{SKU: short, Quantity: 2, UnitPrice: 100})
		order, err := w.Order(ctx, basket)
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "cancelled", "out_of_stock"); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order),
			w.expectParcels(ctx, order),
			w.expectMail(ctx, order, "order_cancelled", "not everything is in stock"),
		)
	}}
}

// PaymentDeclined is an order whose card is refused.
func PaymentDeclined() Story {
	return Story{"payment declined", "The card is declined: the stock goes back on sale.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.PaymentToken = "tok_declined" })
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "cancelled", "declined"); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order, "declined"),
			w.expectParcels(ctx, order),
			w.expectMail(ctx, order, "order_cancelled", "the card was declined"),
		)
	}}
}

// CarrierRefuses is an order to a country that the carrier refuses.
func CarrierRefuses() Story {
	return Story{"carrier refuses", "The carrier does not go there: the money is given back, the stock released, the order cancelled.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.ShippingAddress.Country = "XX" })
		if err != nil {
			return err
		}
		if err := w.End(ctx, order, "cancelled", "carrier_refused"); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order, "captured", "refunded"),
			w.expectParcels(ctx, order, "refused"),
			w.expectMail(ctx, order, "order_cancelled", "the carrier does not deliver to the address"),
		)
	}}
}

// CancelBeforeBooking is an order whose cancellation is requested during the charge.
func CancelBeforeBooking() Story {
	return Story{"cancel before the booking", "Cancelled while a slow card is charged: the charge succeeds, shipping turns the order round, the money goes back.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.PaymentToken = "tok_slow" })
		if err != nil {
			return err
		}
		if err := w.atPayment(ctx, order, "charging"); err != nil {
			return err
		}
		if err := w.Cancel(ctx, order); err != nil {
			return err
		}
		if err := w.End(ctx, order, "cancelled", "customer"); err != nil {
			return err
		}
		return errors.Join(
			w.expectMoney(ctx, order, "captured", "refunded"),
			w.expectParcels(ctx, order),
			w.expectMail(ctx, order, "order_cancelled", "you asked for it"),
		)
	}}
}

// CancelTooLate is an order whose cancellation is requested while its booking is in
// flight.
func CancelTooLate() Story {
	return Story{"cancel too late", "Cancelled while the carrier is being asked: the order completes. Cancelled again after its end: refused.", OnlyURLs, func(ctx context.Context, w *World) error {
		order, err := w.orderWith(ctx, func(p *Placement) { p.ShippingAddress.Country = "XT" })
		if err != nil {
			return err
		}
		err = Until(ctx, "the carrier is asked", func(ctx context.Context) (bool, error) {
			s, err := w.ShipmentOf(ctx, order)
			return s.Status == "booking", err
		})
		if err != nil {
			return err
		}
		if err := w.Cancel(ctx, order); err != nil {
			return err
		}
		if err := w.End(ctx, order, "completed", ""); err != nil {
			return err
		}
		if err := w.Cancel(ctx, order); !refused(err, 409) {
			return fmt.Errorf("a cancellation after the end was answered with %q", fmt.Sprint(err))
		}
		return w.expectMoney(ctx, order, "captured")
	}}
}

// orderWith places a good customer's order with one change.
func (w *World) orderWith(ctx context.Context, change func(*Placement)) (order string, err error) {
	sku, err := w.Shelf(ctx, 5)
	if err != nil {
		return "", err
	}
	basket := w.Basket(sku)
	change(&basket)
	return w.Order(ctx, basket)
}

// atPayment waits until the payment of an order is in a status.
func (w *World) atPayment(ctx context.Context, order, status string) error {
	return Until(ctx, "the payment of order "+order+" is "+status, func(ctx context.Context) (bool, error) {
		p, err := w.PaymentOf(ctx, order)
		return p.Status == status, err
	})
}

// expectMail waits until a notification to the customer of an order has an outcome. It
// then compares the subject of its mail with the story's.
func (w *World) expectMail(ctx context.Context, order, kind, says string) error {
	n, err := w.Told(ctx, order, kind)
	if err != nil {
		return err
	}
	mails, err := w.Ledger(ctx, "mails")
	if err != nil {
		return err
	}
	for _, m := range mails {
		if m.Outcome == "accepted" && strings.HasPrefix(m.MessageID, n.ID+"@") {
			if strings.Contains(m.Subject, says) {
				return nil
			}
			return fmt.Errorf("the customer of order %s got %q, and should have read %q", order, m.Subject, says)
		}
	}
	return fmt.Errorf("the customer of order %s got no mail of %s; the notification %s (%s)", order, kind, n.Status, n.Cause)
}
