package explore

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// trueReasons: a service that decides against an order gives the true reason. Another
// property checks that the reason is passed on unchanged. A reason that was wrong from
// the start does not violate that one.
func trueReasons(v *View) string {
	return cmp.Or(v.whyAsked(), v.whyUnpaid(), v.whyUnshipped())
}

// whyAsked goes by the id of the request, which names the input that caused it.
func (v *View) whyAsked() string {
	for _, r := range v.topics[ofOrder].records {
		e, is := r.Event.(events.CancellationRequested)
		if !is {
			continue
		}
		madeAt := r.ID[:strings.LastIndexByte(r.ID, '>')]
		late := strings.HasSuffix(madeAt, ">"+nameOf(order.Deadline{}))
		if late && e.Reason != events.ReasonDeadline || !late && e.Reason != events.ReasonCustomer {
			return fmt.Sprintf("CancellationRequested (%s) is made at %s", e.Reason, madeAt[strings.LastIndexAny(madeAt, ">/")+1:])
		}
	}
	return ""
}

// whyUnpaid and whyUnshipped compare with the far side's ledger. A decline whose answer
// was lost does not count: the ledger then shows the void that follows. A service that
// stood down made no call, and passes the reason on.
func (v *View) whyUnpaid() string {
	if v.Payment.CancelRequested {
		return ""
	}
	for _, r := range v.topics[ofPayment].records {
		if e, is := r.Event.(events.PaymentFailed); is {
			status := v.Provider.at(e.PaymentID).Status
			if what := misread(e, e.Reason, status, "declined", events.ReasonDeclined, events.ReasonProviderUnavailable); what != "" {
				return what
			}
		}
	}
	return ""
}

func (v *View) whyUnshipped() string {
	if v.Shipment.CancelRequested {
		return ""
	}
	for _, r := range v.topics[ofShipping].records {
		if e, is := r.Event.(events.ShipmentFailed); is {
			status := v.Carrier.at(e.ShipmentID).Status
			if what := misread(e, e.Reason, status, "refused", events.ReasonCarrierRefused, events.ReasonCarrierUnavailable); what != "" {
				return what
			}
		}
	}
	return ""
}

func misread(e flow.Event, told events.Reason, status, no string, ifNo, otherwise events.Reason) string {
	due := otherwise
	if status == no {
		due = ifNo
	}
	if told == due {
		return ""
	}
	return fmt.Sprintf("%s (%s) is told, and the call's status is %s", short(e.EventType()), told, stands(status))
}

// idOf is the order's id as a call has it.
func idOf(effect any) string {
	switch e := effect.(type) {
	case payment.Charge:
		return e.OrderID
	case payment.Void:
		return e.OrderID
	case payment.Refund:
		return e.OrderID
	case shipping.Book:
		return e.OrderID
	case shipping.Unbook:
		return e.OrderID
	case email.SendMail:
		return e.OrderID
	}
	return ""
}

// otherWords is the error in the text of a mail: it must agree with its notice. No
// service reads the notice, so only this check would find a difference.
func (v *View) otherWords(effect any) string {
	mail, is := effect.(email.SendMail)
	if !is {
		return ""
	}
	for _, n := range v.Mailbox.Notices {
		switch {
		case n.ID != mail.NotificationID:
			continue
		case n.Kind != mail.Kind:
			return fmt.Sprintf("is of a notice of kind %s", n.Kind)
		case n.Reason != mail.Reason:
			return fmt.Sprintf("gives the reason %s, and its notice %s", quoted(mail.Reason), quoted(n.Reason))
		}
		return ""
	}
	return "is of no notice"
}
