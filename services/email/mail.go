package email

import (
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/quintet-eda/quintet/schemas/events"
)

// errAddress is returned when a mail cannot be addressed: no server will ever accept
// it.
var errAddress = errors.New("not a mail address")

// compose writes a mail. Its Message-ID is the notification's. It distinguishes a
// second copy in a mailbox from a second notification.
func compose(from string, m SendMail) (*gomail.Msg, error) {
	// Only a bare address is valid. The parser also reads names, comments and
	// quotes, and returns an address that differs from its input: in
	// "a> NOTIFY=NEVER"@b that would end the address early in RCPT TO.
	// The parser also accepts invisible characters, and any length.
	to, err := mail.ParseAddress(m.To)
	if err != nil || to.Address != m.To || len(m.To) > maxAddress || strings.ContainsFunc(m.To, unseen) {
		return nil, errAddress // without the parser's error, which quotes the address
	}
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := errors.Join(msg.From(from), msg.To(m.To)); err != nil {
		return nil, errAddress
	}
	subject, text := words(oneLine(m.OrderID), m.Kind, m.Reason)
	msg.SetMessageIDWithValue(m.NotificationID + "@quintet")
	msg.SetDate()
	msg.SetGenHeader("X-Order-ID", oneLine(m.OrderID))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no answers from absent customers
	msg.Subject(subject)
	msg.SetBodyString(gomail.TypeTextPlain, text)
	return msg, nil
}

// maxAddress is in bytes: the length that a server must accept in one command
// (RFC 5321), less the brackets.
const maxAddress = 254

// unseen reports whether a reader would not see r: a control or a format
// character, or a space.
func unseen(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }

// oneLine makes an order id safe for a header, since a foreign producer may have chosen
// it. It replaces control characters. It also breaks up encoded words, since a mail
// reader could decode control characters from them.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '?'
		}
		return r
	}, strings.ReplaceAll(s, "=?", "= ?"))
}

// words are the subject and the text of a mail.
func words(order string, k events.Kind, r events.Reason) (subject, text string) {
	switch k {
	case events.KindOrderPlaced:
		return fmt.Sprintf("We received your order %s", order),
			fmt.Sprintf("Thank you. We received your order %s, and will write again when it ships.\n", order)
	case events.KindOrderCompleted:
		return fmt.Sprintf("Your order %s is on its way", order),
			fmt.Sprintf("Your order %s is paid, and the carrier has it.\n", order)
	case events.KindOrderCancelled:
		subject = fmt.Sprintf("Your order %s was cancelled", order)
		if why := because(r); why != "" {
			subject += ": " + why
		}
		return subject, subject + ".\n\nYou have not been charged, or have your money back.\n"
	}
	return fmt.Sprintf("About your order %s", order), fmt.Sprintf("There is news about your order %s.\n", order)
}

// because is a reason in a customer's words; empty for a reason that this version does
// not know.
func because(r events.Reason) string {
	switch r {
	case events.ReasonCustomer:
		return "you asked for it"
	case events.ReasonDeadline:
		return "it was not finished in time"
	case events.ReasonOutOfStock:
		return "not everything is in stock"
	case events.ReasonDeclined:
		return "the card was declined"
	case events.ReasonProviderUnavailable:
		return "the payment did not go through"
	case events.ReasonCarrierRefused:
		return "the carrier does not deliver to the address"
	case events.ReasonCarrierUnavailable:
		return "the carrier could not take it"
	}
	return ""
}
