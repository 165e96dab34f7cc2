package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// sender hands mails to an SMTP server, in plain text: the server is expected
// beside the service, on a network that both trust.
type sender struct {
	host    string
	port    int
	from    string
	timeout time.Duration // of each step; ctx bounds the attempt
}

func newSender(addr, from string, timeout time.Duration) (sender, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return sender{}, fmt.Errorf("address of the mail server: %w", err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || host == "" {
		return sender{}, fmt.Errorf("address of the mail server: %q is not host:port", addr)
	}
	return sender{host: host, port: int(n), from: from, timeout: timeout}, nil
}

// callHandlers make the calls, each with at most one effect.
func callHandlers(c Config) []flow.CallHandler {
	s, _ := newSender(c.SMTPAddr, c.From, c.Calls.Timeout) // configured has refused an invalid address
	once := c.Calls.Policy()
	once.AtMostOnce = true
	return []flow.CallHandler{flow.HandleCall(once, s.send, givenUp)}
}

// send makes one attempt. An accepted or refused mail is a result. An error wraps
// [flow.ErrNoEffect] if the server certainly does not have the mail. After any other
// error the outcome is unknown.
func (s sender) send(ctx context.Context, _ flow.Call, m SendMail) (MailAnswered, error) {
	answer := MailAnswered{NotificationID: m.NotificationID}
	msg, err := compose(s.from, m)
	if err != nil {
		answer.Cause = events.CauseBounced
		return answer, nil
	}
	line := &line{ctx: ctx}
	defer line.hangUp()
	client, err := gomail.NewClient(s.host, gomail.WithPort(s.port), gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithTimeout(s.timeout),
		gomail.WithDialContextFunc(line.dial), gomail.WithoutNoop(), gomail.WithoutRset())
	if err != nil {
		return answer, fmt.Errorf("%w: %w", flow.ErrNoEffect, err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return answer, fmt.Errorf("connect to mail server: %w: %w", flow.ErrNoEffect, err) // no byte of the mail was sent
	}
	if known, _ := session.Extension("SMTPUTF8"); !known && strings.ContainsFunc(m.To, func(r rune) bool { return r > unicode.MaxASCII }) {
		answer.Cause = events.CauseBounced // the library would send it all the same, which RFC 6531 forbids
		return answer, nil
	}
	err = client.SendWithSMTPClient(session, msg)
	if msg.IsDelivered() {
		_ = client.CloseWithSMTPClient(session) // QUIT; however that ends, the server has the mail
		return answer, nil
	}
	// Without a QUIT: before it the SMTP library ends an open message with its
	// final dot. The server would accept half a mail as a whole one.
	line.hangUp()
	answer.Cause, err = judge(err)
	return answer, err
}

// judge returns the cause or the error of a failed attempt.
//
// ErrorCode is the server's answer, or 0 without one. The library parses it from the
// text of a reply, and no network error looks like a reply. Reason is the step that
// failed. Up to and including the DATA command no byte of the mail is on its way. So
// without an answer nothing has happened. From then on the server may have the mail.
// The same applies to ErrWriteContent: it reports that writing failed, not how many
// bytes arrived. A reason that a later version adds counts as unknown, since one mail
// too few does less harm than two.
//
// The returned error does not wrap the library's: that one quotes the address.
func judge(err error) (events.Cause, error) {
	var failed *gomail.SendError
	if !errors.As(err, &failed) {
		return "", errors.New("mail server: failed at an unknown step")
	}
	if code := failed.ErrorCode(); code >= 500 {
		return events.CauseBounced, nil
	} else if code >= 400 {
		return "", fmt.Errorf("mail server: %s: %w: answered %d %s", failed.Reason, flow.ErrNoEffect, code, failed.EnhancedStatusCode())
	}
	switch failed.Reason {
	case gomail.ErrGetSender, gomail.ErrGetRcpts, gomail.ErrNoUnencoded, gomail.ErrConnCheck,
		gomail.ErrSMTPMailFrom, gomail.ErrSMTPRcptTo, gomail.ErrSMTPData:
		return "", fmt.Errorf("mail server: %s: %w: no answer", failed.Reason, flow.ErrNoEffect)
	}
	return "", fmt.Errorf("mail server: %s: no answer", failed.Reason)
}

// givenUp is the result once no further attempt is made.
func givenUp(m SendMail, unknown bool) MailAnswered {
	cause := events.CauseGivenUp
	if unknown {
		cause = events.CauseUnknown
	}
	return MailAnswered{NotificationID: m.NotificationID, Cause: cause}
}

// line is the connection of one attempt. The mail library bounds each single step. line
// bounds the steps together: it hangs up when ctx ends. It also closes a connection
// that the library leaves open when a step fails.
type line struct {
	ctx  context.Context
	conn net.Conn
	stop func() bool
}

func (l *line) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.conn = conn
	l.stop = context.AfterFunc(l.ctx, func() { _ = conn.Close() })
	return conn, nil
}

func (l *line) hangUp() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close()
	}
}
