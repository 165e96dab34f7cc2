package explore

import (
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
	"github.com/quintet-eda/quintet/services/order"
	"github.com/quintet-eda/quintet/services/payment"
)

// endlessMutants can end from wherever they are, and need not: nothing but luck,
// or somebody else's step, leads out of what they repeat.
func endlessMutants() []Mutant {
	return []Mutant{
		{
			Name: "deadline-rearmed", Tells: "an order whose time is up gets the same time once more, and again, until it has ended", Scope: impatient, Property: AllEnd,
			Break: func(s *System) {
				expire := original[order.Deadline](s.Order)
				s.Order = replace(s.Order, free("order", flow.OnTimer[order.Deadline](func(o order.Order, d order.Deadline, out *flow.Out) order.Order {
					if o = expire(o, d, out); !o.Status.Terminal() {
						out.StartTimer(time.Hour, order.Deadline{})
					}
					return o
				})))
			},
		},
		{
			Name: "charge-never-given-up", Tells: "a charge that is given up is asked for again, for ever", Scope: spent, Property: AllEnd,
			Break: atGivenUp(charging),
		},
		{
			Name: "charged-and-voided-in-turn", Tells: "a charge that is given up is voided to be sure, and then tried again", Scope: silent, Property: AllEnd,
			Break: func(s *System) {
				atGivenUp(func(p payment.Payment, out *flow.Out) payment.Payment {
					out.Call(payment.Void{PaymentID: p.ID, OrderID: p.OrderID})
					return p
				})(s)
				spoilAnswer(&s.Payment, payment.Void{}, func(own reaction[payment.Voided, payment.Payment]) reaction[payment.Voided, payment.Payment] {
					return func(p payment.Payment, r payment.Voided, out *flow.Out) payment.Payment {
						if p.Status == payment.Charging {
							return charging(p, out)
						}
						return own(p, r, out)
					}
				})
			},
		},
		{
			Name: "bounced-mail-again", Tells: "a mail that bounces is sent again, until it is accepted", Scope: unmailed, Property: AllEnd,
			Break: func(s *System) {
				spoilAnswer(&s.Email, email.SendMail{}, func(own reaction[email.MailAnswered, email.Mailbox]) reaction[email.MailAnswered, email.Mailbox] {
					return func(m email.Mailbox, r email.MailAnswered, out *flow.Out) email.Mailbox {
						if r.Cause != events.CauseBounced {
							return own(m, r, out)
						}
						for _, n := range m.Notices {
							if n.ID == r.NotificationID {
								out.Call(email.SendMail{NotificationID: n.ID, OrderID: m.OrderID, To: m.Address, Kind: n.Kind, Reason: n.Reason})
							}
						}
						return m
					}
				})
			},
		},
		{
			Name: "provider-puts-off", Tells: "the provider puts off whoever asks, as often as it likes", Scope: smooth, Property: AllEnd,
			Break: func(s *System) { s.Outside.Provider.Settles = false },
		},
		{
			Name: "carrier-puts-off", Tells: "the carrier puts off whoever asks, as often as it likes", Scope: smooth, Property: AllEnd,
			Break: func(s *System) { s.Outside.Carrier.Settles = false },
		},
	}
}

// retryLoops go on as long, and are never where they were before.
func retryLoops() []Mutant {
	return []Mutant{{
		Name: "haggle", Tells: "a card that is declined is charged again, for one cent less", Scope: declined, Property: noCircles,
		Break: func(s *System) {
			spoilAnswer(&s.Payment, payment.Charge{}, func(own reaction[payment.Charged, payment.Payment]) reaction[payment.Charged, payment.Payment] {
				return func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
					if r.Outcome != payment.Declined {
						return own(p, r, out)
					}
					p.Due--
					return charging(p, out)
				}
			})
		},
	}}
}

// atGivenUp settles a charge that is given up in another way.
func atGivenUp(do func(payment.Payment, *flow.Out) payment.Payment) func(*System) {
	return func(s *System) {
		spoilAnswer(&s.Payment, payment.Charge{}, func(own reaction[payment.Charged, payment.Payment]) reaction[payment.Charged, payment.Payment] {
			return func(p payment.Payment, r payment.Charged, out *flow.Out) payment.Payment {
				if r.Outcome == payment.GivenUp {
					return do(p, out)
				}
				return own(p, r, out)
			}
		})
	}
}
