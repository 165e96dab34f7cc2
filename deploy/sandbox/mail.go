package sandbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// The magic mailboxes: local parts, with or without a "+tag", at any domain.
const (
	mailboxBounce   = "bounce"   // 550
	mailboxGreylist = "greylist" // 451 twice per address, then accepted
)

const maxMessage = 1 << 20 // bytes

// mails is the mail server. It never drops a second copy of a message: its ledger
// exists to show that a mail came twice.
type mails struct {
	stopping context.Context
	faults   *faults
	ledger   *ledger
	relay    string // address of the server for accepted messages; empty: none

	mu       sync.Mutex
	greylist map[string]int // 451s so far per address
}

// server returns the SMTP side of m.
func (m *mails) server(log smtp.Logger) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{mails: m, conn: c.Conn()}, nil
	}))
	s.Domain = "sandbox.invalid"
	s.MaxMessageBytes = maxMessage
	s.MaxRecipients = 50
	s.ReadTimeout = time.Minute
	s.WriteTimeout = 10 * time.Second
	s.ErrorLog = log
	return s
}

// record writes e and then folds it. A refused recipient is recorded with the lock
// held, for the count. An accepted message changes no count.
func (m *mails) record(e Entry) error {
	if err := m.ledger.append(e); err != nil {
		return err
	}
	m.fold(e)
	return nil
}

func (m *mails) fold(e Entry) {
	if e.Outcome == greylisted {
		m.greylist[e.To[0]]++
	}
}

// session is one SMTP connection.
type session struct {
	mails *mails
	conn  net.Conn

	luck misfortune // of the message in flight
	from string
	to   []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.Reset()
	s.luck = s.mails.faults.draw(mailbox)
	if s.luck.fail {
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "local error in processing"}
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	m := s.mails
	m.mu.Lock()
	defer m.mu.Unlock()
	to = strings.ToLower(to)
	local, _, _ := strings.Cut(to, "@")
	name, _, _ := strings.Cut(local, "+")
	e := Entry{Op: "mail", From: s.from, To: []string{to}, Answered: true}
	var no *smtp.SMTPError
	switch {
	case name == mailboxBounce:
		e.Outcome = bounced
		no = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case name == mailboxGreylist && m.greylist[to] < 2:
		e.Outcome = greylisted
		no = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, try again later"}
	default:
		s.to = append(s.to, to)
		return nil
	}
	if err := m.record(e); err != nil {
		return err
	}
	return no
}

// Data accepts the message. Once the ledger holds it as accepted it is delivered,
// whether its sender receives the answer or not. A message that cannot be handed on is
// not accepted.
func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	e, err := readMessage(bytes.NewReader(raw))
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: err.Error()}
	}
	if !pause(s.mails.stopping, s.luck.delay) {
		return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "going down"}
	}
	e.Op, e.From, e.To, e.Outcome, e.Answered = "mail", s.from, s.to, accepted, !s.luck.lost
	if unsure, err := handOn(s.mails.stopping, s.mails.relay, s.from, s.to, raw); err != nil {
		if unsure {
			e.Outcome = undecided
			err = errors.Join(err, s.mails.record(e))
		}
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 0}, Message: "not handed on: " + err.Error()}
	}
	if err := s.mails.record(e); err != nil {
		return err
	}
	if s.luck.lost {
		s.hold()
	}
	return nil
}

// hold keeps the sender waiting until it hangs up. When the sandbox stops, the listener
// closes the connection. Then hold closes our end, so that the answer that the library
// writes next reaches no client.
func (s *session) hold() {
	_ = s.conn.SetReadDeadline(time.Time{}) // the sender decides how long, not ReadTimeout
	_, _ = io.Copy(io.Discard, s.conn)
	_ = s.conn.Close()
}

func (s *session) Reset() { s.luck, s.from, s.to = misfortune{}, "", nil }

func (s *session) Logout() error { return nil }

// door is the mail server's listener. A "refuse" fault turns clients away here. When
// the sandbox stops, the door closes the connections that it accepted.
type door struct {
	net.Listener
	faults   *faults
	stopping context.Context
}

func (d door) Accept() (net.Conn, error) {
	for {
		conn, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if d.faults.draw(mailbox).refuse {
			_, _ = io.WriteString(conn, "421 4.3.2 not now\r\n")
			_ = conn.Close()
			continue
		}
		release := context.AfterFunc(d.stopping, func() { _ = conn.Close() })
		return guest{conn, release}, nil
	}
}

type guest struct {
	net.Conn
	release func() bool
}

func (g guest) Close() error {
	g.release()
	return g.Conn.Close()
}
