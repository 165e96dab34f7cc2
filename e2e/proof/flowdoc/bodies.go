package flowdoc

import (
	"fmt"
	"reflect"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/inventory"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
	"github.com/quintet-eda/quintet/services/shipping"
)

// choices are all values of the types from which an input's field takes one of a few. A
// test compares them with the declared constants.
var choices = []any{
	events.ReasonUnspecified, events.ReasonCustomer, events.ReasonDeadline, events.ReasonOutOfStock, events.ReasonDeclined,
	events.ReasonProviderUnavailable, events.ReasonCarrierRefused, events.ReasonCarrierUnavailable,
	events.KindUnspecified, events.KindOrderPlaced, events.KindOrderCompleted, events.KindOrderCancelled,
	events.CauseUnspecified, events.CauseBounced, events.CauseGivenUp, events.CauseUnknown,
	payment.Approved, payment.Declined, payment.GivenUp, payment.Unknown,
	shipping.Accepted, shipping.Refused, shipping.GivenUp, shipping.Unknown,
	false, true,
}

// commands are the requests of customers and suppliers.
var commands = []any{place, order.CancelOrder{OrderID: place.OrderID}, inventory.ReceiveStock{SKU: sku, Quantity: 1}}

// bodies are the representatives of an event: one of each combination of its choices.
// The contents of the order are the same everywhere.
func bodies(e flow.Event) ([]any, error) {
	if _, ok := e.(events.OrderPlaced); ok {
		return every(events.OrderPlaced{
			OrderID: place.OrderID, Email: place.Email, Currency: place.Currency, Total: place.Total, Lines: place.Lines,
		})
	}
	of := reflect.New(reflect.TypeOf(e)).Elem()
	of.FieldByName("OrderID").SetString(place.OrderID)
	return every(of.Interface())
}

// results are the ways in which a call can be answered.
func results(call any) ([]any, error) {
	switch c := call.(type) {
	case payment.Charge:
		return every(payment.Charged{})
	case payment.Void:
		return every(payment.Voided{})
	case payment.Refund:
		return every(payment.Refunded{})
	case shipping.Book:
		return every(shipping.BookingAnswered{TrackingNumber: "T-1"})
	case shipping.Unbook:
		return every(shipping.Unbooked{TrackingNumber: "T-1"})
	case email.SendMail:
		accepted := email.MailAnswered{NotificationID: c.NotificationID}
		failed, err := every(accepted)
		return append(failed, accepted), err
	}
	return nil, fmt.Errorf("nothing is known of the results of %T", call)
}

// every returns an input once for each combination of its choices.
func every(input any) ([]any, error) {
	made := []any{input}
	of := reflect.TypeOf(input)
	for i := range of.NumField() {
		var values []reflect.Value
		for _, c := range choices {
			if reflect.TypeOf(c) == of.Field(i).Type {
				values = append(values, reflect.ValueOf(c))
			}
		}
		if len(values) == 0 {
			if f := of.Field(i).Type; f.PkgPath() != "" && f.Kind() != reflect.Struct {
				return nil, fmt.Errorf("nothing is known of the values of %s.%s", of, of.Field(i).Name)
			}
			continue
		}
		var more []any
		for _, m := range made {
			for _, v := range values {
				with := reflect.New(of).Elem()
				with.Set(reflect.ValueOf(m))
				with.Field(i).Set(v)
				more = append(more, with.Interface())
			}
		}
		made = more
	}
	return made, nil
}
