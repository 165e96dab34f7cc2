package explore

import (
	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
	"github.com/quintet-eda/quintet/services/email"
)

// wordMutants send the mail that they should, and it says something else; or
// they tell another end of it than it had.
func wordMutants() []Mutant {
	type answered = reaction[email.MailAnswered, email.Mailbox]
	ends := func(s *System, as func(email.MailAnswered) email.MailAnswered) {
		spoilAnswer(&s.Email, email.SendMail{}, func(own answered) answered {
			return func(m email.Mailbox, r email.MailAnswered, out *flow.Out) email.Mailbox { return own(m, as(r), out) }
		})
	}
	return []Mutant{
		{
			Name: "cancelled-reads-completed", Tells: "the mail of a cancellation reads as that of a completed order", Scope: stranger, Property: askedAsOrdered,
			Break: func(s *System) {
				read := func(m email.SendMail) any {
					if m.Kind == events.KindOrderCancelled {
						m.Kind = events.KindOrderCompleted
					}
					return m
				}
				alterEvent[events.OrderCancelled](&s.Email, read)
				alterEvent[events.OrderPlaced](&s.Email, read)
			},
		},
		{
			Name: "welcome-of-no-kind", Tells: "the first mail does not say what it is about", Scope: mailed, Property: askedAsOrdered,
			Break: func(s *System) {
				alterEvent[events.OrderPlaced](&s.Email, func(m email.SendMail) any {
					m.Kind = ""
					return m
				})
			},
		},
		{
			Name: "sent-told-as-unknown", Tells: "a mail that was accepted is told as one of unknown fate", Scope: mailed, Property: answersTold,
			Break: func(s *System) {
				ends(s, func(r email.MailAnswered) email.MailAnswered {
					if r.Cause == "" {
						r.Cause = events.CauseUnknown
					}
					return r
				})
			},
		},
		{
			Name: "bounced-told-as-unknown", Tells: "a mail that bounced is told as one of unknown fate", Scope: unmailed, Property: answersTold,
			Break: func(s *System) {
				ends(s, func(r email.MailAnswered) email.MailAnswered {
					if r.Cause == events.CauseBounced {
						r.Cause = events.CauseUnknown
					}
					return r
				})
			},
		},
		{
			Name: "given-up-told-as-bounced", Tells: "a mail that could not be handed over is told as bounced", Scope: unmailed, Property: answersTold,
			Break: func(s *System) {
				ends(s, func(r email.MailAnswered) email.MailAnswered {
					if r.Cause == events.CauseGivenUp {
						r.Cause = events.CauseBounced
					}
					return r
				})
			},
		},
	}
}
