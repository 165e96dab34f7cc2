package sandbox_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// postOffice is a mail server that a sandbox hands on to.
type postOffice struct {
	addr   string
	accept func() error // decides about a message

	mu  sync.Mutex
	got []delivery
}

type delivery struct {
	From string
	To   []string
	Text string
}

func openPostOffice(t *testing.T, accept func() error) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{addr: l.Addr().String(), accept: accept}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &counter{office: p}, nil }))
	s.Domain = "office.invalid"
	go func() { _ = s.Serve(l) }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	return p
}

func (p *postOffice) mails() []delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]delivery(nil), p.got...)
}

type counter struct {
	office *postOffice
	d      delivery
}

func (c *counter) Mail(from string, _ *smtp.MailOptions) error {
	c.d = delivery{From: from}
	return nil
}
func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error { c.d.To = append(c.d.To, to); return nil }
func (c *counter) Reset()                                    {}
func (c *counter) Logout() error                             { return nil }
func (c *counter) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if err := c.office.accept(); err != nil {
		return err
	}
	c.d.Text = string(raw)
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.office.got = append(c.office.got, c.d)
	return nil
}

func yes() error { return nil }

func TestMailIsForwardedBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	office := openPostOffice(t, yes)
	w := startWith(t, t.TempDir(), office.addr)
	if code := w.mail("ada@example.com", "m-1@shop", "Grüße!\n.\nend"); code != 0 {
		t.Fatalf("refused with %d", code)
	}
	got := office.mails() // without waiting: the sender has been told
	if len(got) != 1 {
		t.Fatalf("%d mails were handed on", len(got))
	}
	text := got[0].Text
	got[0].Text = ""
	if diff := cmp.Diff(delivery{From: "shop@example.com", To: []string{"ada@example.com"}}, got[0]); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	for _, want := range []string{"Message-ID: <m-1@shop>", "X-Order-ID: o-1", "\r\n.\r\nend"} {
		if !strings.Contains(text, want) {
			t.Errorf("the message lacks %q:\n%s", want, text)
		}
	}
	if diff := cmp.Diff([]string{"mail accepted"}, w.story("mails")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestAMailThatCannotBeHandedOnIsNotAccepted(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	full := openPostOffice(t, func() error { return &smtp.SMTPError{Code: 552, Message: "mailbox full"} })
	for name, addr := range map[string]string{"nobody there": closed.Addr().String(), "refused": full.addr} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := startWith(t, t.TempDir(), addr)
			if code := w.mail("ada@example.com", "m-1@shop", "hello"); code != 451 {
				t.Errorf("got %d, want 451", code)
			}
			if got := w.story("mails"); len(got) > 0 {
				t.Errorf("ledger has %q", got)
			}
		})
	}
}

func TestAMailServerThatHangsIsARefusal(t *testing.T) {
	t.Parallel()
	asked, release := make(chan struct{}, 1), make(chan struct{})
	defer close(release)
	office := openPostOffice(t, func() error { asked <- struct{}{}; <-release; return nil })
	w := startWith(t, t.TempDir(), office.addr)
	c := w.dialSMTP()
	c.say("EHLO test", 250)
	c.say("MAIL FROM:<shop@example.com>", 250)
	c.say("RCPT TO:<a@example.com>", 250)
	c.say("DATA", 354)
	began := time.Now()
	c.say("Subject: x\r\n\r\nhello\r\n.", 451)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("the refusal took %s", took)
	}
	<-asked
	if diff := cmp.Diff([]string{"mail undecided"}, w.story("mails")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}

func TestOnlyWhatIsAcceptedIsHandedOn(t *testing.T) {
	t.Parallel()
	office := openPostOffice(t, yes)
	w := startWith(t, t.TempDir(), office.addr)
	if code := w.mail("bounce@example.com", "m-1@shop", "hello"); code != 550 {
		t.Errorf("got %d, want 550", code)
	}
	w.must("POST", "/faults", `{"dependency":"mail","kind":"lost"}`)
	if code := w.mail("ada@example.com", "m-2@shop", "hello"); code != -1 {
		t.Errorf("got %d, want no answer", code)
	}
	if got := office.mails(); len(got) != 1 {
		t.Errorf("%d mails were handed on, and only the one that was accepted without an answer should have been", len(got))
	}
	if diff := cmp.Diff([]string{"mail bounced", "mail accepted ?"}, w.story("mails")); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}
