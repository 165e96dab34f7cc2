package explore

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// account is the far side's record under one key: a payment, a parcel or a mail. It is
// deploy/sandbox's ledger, folded.
type account struct {
	Key      string
	About    string // a payment, a shipment, or a notification of a kind
	Status   string // "" (nothing yet), captured, declined, voided, refunded; booked, refused, collected, unbooked; accepted, bounced
	Captured int64  // minor units, over all captures
	Back     int64  // voided or refunded
	Times    int    // captures, bookings, or mails accepted
	Tracking string // the number that the carrier gave to the parcel
}

// deed is one possible response of the far side to a call that arrives: its account
// afterwards, its answer, and the caller's result. Without a result the answer settles
// nothing, and the call stays open.
type deed struct {
	account account
	says    string
	result  any
	choice  Choice // the scope must allow it; 0: always
}

// deeds are the possible responses to a call that arrives, as in the sandbox's
// payment.go and carrier.go. The results are those of the services' provider.go,
// carrier.go and sender.go.
func (o Outside) deeds(effect any, a account) []deed {
	a.About = aboutOf(effect)
	switch e := effect.(type) {
	case payment.Charge:
		return o.Provider.orLater(a, o.Provider.charge(e, a))
	case payment.Void:
		return o.Provider.orLater(a, o.Provider.void(a))
	case payment.Refund:
		return o.Provider.orLater(a, o.Provider.refund(e, a))
	case shipping.Book:
		return o.Carrier.orLater(a, o.Carrier.book(a))
	case shipping.Unbook:
		return o.Carrier.orLater(a, o.Carrier.unbook(a))
	case email.SendMail:
		accepted, bounced := a, a
		accepted.Status, accepted.Times = "accepted", a.Times+1
		bounced.Status = "bounced"
		return []deed{
			{accepted, "accepted", email.MailAnswered{NotificationID: e.NotificationID}, 0},
			{bounced, "bounced", email.MailAnswered{NotificationID: e.NotificationID, Cause: events.CauseBounced}, MailFails},
		}
	}
	return nil
}

// orLater adds the answer of a far side that does not settle what it is asked.
func (k Keys) orLater(a account, deeds []deed) []deed {
	if k.Settles {
		return deeds
	}
	return append(deeds, deed{a, "later", nil, 0})
}

func (k Keys) charge(e payment.Charge, a account) []deed {
	approved := payment.Charged{Outcome: payment.Approved}
	captured := a
	captured.Status = "captured"
	captured.Captured += e.Amount
	captured.Times++
	switch {
	case a.Status == "voided" && k.Tombstones:
		return []deed{{a, "voided", payment.Charged{Outcome: payment.GivenUp}, 0}}
	case a.Status == "declined":
		return []deed{{a, "declined", payment.Charged{Outcome: payment.Declined}, 0}}
	case a.Times > 0 && a.Status != "voided" && k.Idempotent:
		return []deed{{a, "captured", approved, 0}}
	}
	declined := a
	declined.Status = "declined"
	return []deed{{captured, "captured", approved, 0}, {declined, "declined", payment.Charged{Outcome: payment.Declined}, Declines}}
}

func (k Keys) void(a account) []deed {
	switch {
	case a.Status == "refunded":
		return []deed{{a, "refunded", payment.Voided{}, 0}}
	case a.Status == "captured":
		a.Back = a.Captured
	case a.Status == "" && !k.Tombstones:
		return []deed{{a, "voided", payment.Voided{}, 0}}
	}
	a.Status = "voided"
	return []deed{{a, "voided", payment.Voided{}, 0}}
}

func (k Keys) refund(e payment.Refund, a account) []deed {
	switch {
	case a.Status == "captured", a.Status == "refunded" && !k.Idempotent:
		a.Status = "refunded"
		a.Back += e.Amount
	case a.Status != "refunded":
		return []deed{{a, "conflict", nil, 0}}
	}
	return []deed{{a, "refunded", payment.Refunded{}, 0}}
}

func (k Keys) book(a account) []deed {
	booked := a
	booked.Status = "booked"
	booked.Times++
	booked.Tracking = fmt.Sprintf("%s/%d", a.Key, booked.Times)
	accepted := shipping.BookingAnswered{Outcome: shipping.Accepted}
	switch {
	case a.Status == "unbooked" && k.Tombstones:
		return []deed{{a, "unbooked", shipping.BookingAnswered{Outcome: shipping.GivenUp}, 0}}
	case a.Status == "refused":
		return []deed{{a, "refused", shipping.BookingAnswered{Outcome: shipping.Refused}, 0}}
	case a.live() && k.Idempotent:
		accepted.TrackingNumber = a.Tracking
		return []deed{{a, "booked", accepted, 0}}
	}
	accepted.TrackingNumber = booked.Tracking
	refused := a
	refused.Status = "refused"
	return []deed{{booked, "booked", accepted, 0}, {refused, "refused", shipping.BookingAnswered{Outcome: shipping.Refused}, Refuses}}
}

// unbook answers collected when the van was there before. Only the unbooking can tell
// whether it was, so that is decided only here.
func (k Keys) unbook(a account) []deed {
	collected := deed{a, "collected", shipping.Unbooked{Collected: true, TrackingNumber: a.Tracking}, 0}
	undone := a
	if undone.Status = "unbooked"; a.Status == "" && !k.Tombstones {
		undone.Status = ""
	}
	unbooked := deed{undone, "unbooked", shipping.Unbooked{}, 0}
	switch a.Status {
	case "collected":
		return []deed{collected}
	case "booked":
		collected.account.Status, collected.choice = "collected", Collects
		return []deed{unbooked, collected}
	}
	return []deed{unbooked}
}

// live reports whether the carrier has the parcel, or will.
func (a account) live() bool { return a.Status == "booked" || a.Status == "collected" }

// held is the money that the provider has of the account.
func (a account) held() int64 { return a.Captured - a.Back }

// keyOf is the key under which the far side knows a call.
func keyOf(effect any) string {
	switch e := effect.(type) {
	case payment.Charge:
		return e.PaymentID
	case payment.Void:
		return e.PaymentID
	case payment.Refund:
		return e.PaymentID
	case shipping.Book:
		return e.ShipmentID
	case shipping.Unbook:
		return e.ShipmentID
	case email.SendMail:
		return e.NotificationID
	}
	return ""
}

// giveUp returns the result of a call whose attempts are spent. Void, Refund and Unbook
// have none: their attempts have no bound.
func giveUp(effect any, unknown bool) (result any, outcome string, ok bool) {
	outcome = "given-up"
	if unknown {
		outcome = "unknown"
	}
	switch e := effect.(type) {
	case payment.Charge:
		return payment.Charged{Outcome: map[bool]payment.Outcome{true: payment.Unknown, false: payment.GivenUp}[unknown]}, outcome, true
	case shipping.Book:
		return shipping.BookingAnswered{Outcome: map[bool]shipping.Outcome{true: shipping.Unknown, false: shipping.GivenUp}[unknown]}, outcome, true
	case email.SendMail:
		return email.MailAnswered{NotificationID: e.NotificationID, Cause: map[bool]events.Cause{true: events.CauseUnknown, false: events.CauseGivenUp}[unknown]}, outcome, true
	}
	return nil, "", false
}

// party is the far side of a call.
func party(effect any) string {
	switch effect.(type) {
	case payment.Charge, payment.Void, payment.Refund:
		return "provider"
	case shipping.Book, shipping.Unbook:
		return "carrier"
	}
	return "mail server"
}

// label is a call's name; a mail's name has its kind. A mail without a kind is a fault
// of the reaction that asks for it.
func label(effect any) string {
	if mail, ok := effect.(email.SendMail); ok {
		return "SendMail(" + cmp.Or(string(mail.Kind), "of no kind") + ")"
	}
	return nameOf(effect)
}

// ledger is a far side's accounts, by key.
type ledger []account

func (l ledger) at(key string) account {
	for _, a := range l {
		if a.Key == key {
			return a
		}
	}
	return account{Key: key}
}

func (l ledger) with(a account) ledger {
	l = slices.Clone(l)
	for i := range l {
		if l[i].Key == a.Key {
			l[i] = a
			return l
		}
	}
	l = append(l, a)
	slices.SortFunc(l, func(a, b account) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	return l
}
