package sandbox_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/wneessen/go-mail"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

// mail sends a message as a service would, and returns the SMTP code that
// refused it, 0 when it was accepted, -1 when there was no answer to the end.
func (w *world) mail(to, id, body string) int {
	w.t.Helper()
	msg := mail.NewMsg()
	if err := errors.Join(msg.From("shop@example.com"), msg.To(to)); err != nil {
		w.t.Fatal(err)
	}
	msg.Subject("Ihre Bestellung für Jürgen")
	msg.SetMessageIDWithValue(id)
	msg.SetGenHeader("X-Order-ID", "o-1")
	msg.SetBodyString(mail.TypeTextPlain, body)

	host, port := "127.0.0.1", 0
	if _, err := fmt.Sscanf(w.smtp, "127.0.0.1:%d", &port); err != nil {
		w.t.Fatal(err)
	}
	client, err := mail.NewClient(host, mail.WithPort(port), mail.WithTLSPolicy(mail.NoTLS), mail.WithTimeout(time.Second))
	if err != nil {
		w.t.Fatal(err)
	}
	err = client.DialAndSendWithContext(w.t.Context(), msg)
	var said *mail.SendError
	var code *textproto.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &said) && said.ErrorCode() > 0:
		return said.ErrorCode()
	case errors.As(err, &code):
		return code.Code
	}
	return -1
}

func TestAMailIsKeptDecoded(t *testing.T) {
	t.Parallel()
	w := start(t)
	body := "Grüße!\n\nIt weighs = 2 kg.\n.\n" + strings.Repeat("long ", 40)
	if code := w.mail("Ada@Example.com", "m-1@shop", body); code != 0 {
		t.Fatalf("refused with %d", code)
	}
	got := w.ledger("mails", "?orderId=o-1")
	if len(got) != 1 {
		t.Fatalf("ledger has %d mails of the order", len(got))
	}
	got[0].Body = strings.TrimRight(got[0].Body, "\n")
	got[0].At = time.Time{}
	want := sandbox.Entry{
		N: 1, Op: "mail", OrderID: "o-1", Outcome: "accepted", Answered: true,
		MessageID: "m-1@shop", From: "shop@example.com", To: []string{"ada@example.com"},
		Subject: "Ihre Bestellung für Jürgen", Body: body,
	}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("mail (-want +got):\n%s", diff)
	}
	w.mail("ada@example.com", "m-1@shop", body)
	if diff := cmp.Diff([]string{"mail accepted", "mail accepted"}, w.story("mails")); diff != "" {
		t.Errorf("a second copy must show (-want +got):\n%s", diff)
	}
}

func TestOfAMultipartMailThePlainTextIsKept(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.dialSMTP()
	c.say("EHLO test", 250)
	c.say("MAIL FROM:<shop@example.com>", 250)
	c.say("RCPT TO:<a@example.com>", 250)
	c.say("RCPT TO:<bounce@example.com>", 550)
	c.say("RCPT TO:<b@example.com>", 250)
	c.say("DATA", 354)
	c.say(strings.ReplaceAll(`Subject: =?utf-8?q?caf=C3=A9?=
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: multipart/alternative; boundary=y

--y
Content-Type: text/html

<p>no</p>
--y
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

Y2Fmw6k=
--y--
--x--
.`, "\n", "\r\n"), 250)
	e := w.ledger("mails", "")[1]
	if e.Subject != "café" || e.Body != "café" || !cmp.Equal(e.To, []string{"a@example.com", "b@example.com"}) {
		t.Errorf("ledger has %+v", e)
	}
}

func TestAMailboxAnswersAsItsNameSays(t *testing.T) {
	t.Parallel()
	tests := []struct {
		to     string
		codes  []int
		ledger []string
	}{
		{"bounce@example.com", []int{550, 550, 550}, []string{"mail bounced", "mail bounced", "mail bounced"}},
		{"Bounce+o-1@example.com", []int{550}, []string{"mail bounced"}},
		{"greylist@example.com", []int{451, 451, 0, 0}, []string{"mail greylisted", "mail greylisted", "mail accepted", "mail accepted"}},
		{"bouncer@example.com", []int{0}, []string{"mail accepted"}},
	}
	for _, tt := range tests {
		t.Run(tt.to, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			var codes []int
			for i := range tt.codes {
				codes = append(codes, w.mail(tt.to, fmt.Sprintf("m-%d@shop", i), "hello"))
			}
			if diff := cmp.Diff(tt.codes, codes); diff != "" {
				t.Errorf("codes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.ledger, w.story("mails")); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGreylistingIsPerAddress(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, to := range []string{"greylist@a.example", "greylist@b.example", "greylist+1@a.example"} {
		if code := w.mail(to, "m@shop", "hello"); code != 451 {
			t.Errorf("%s: %d", to, code)
		}
	}
}

func TestTheMailServerSuffersItsFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  string
		code   int
		ledger []string
	}{
		{`{"dependency":"mail","kind":"refuse"}`, 421, nil},
		{`{"dependency":"mail","kind":"error"}`, 451, nil},
		{`{"dependency":"mail","kind":"latency","latency":"50ms"}`, 0, []string{"mail accepted"}},
		{`{"dependency":"mail","kind":"lost"}`, -1, []string{"mail accepted ?"}},
		{`{"dependency":"payment","kind":"lost"}`, 0, []string{"mail accepted"}},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.must("POST", "/faults", tt.fault)
			if code := w.mail("ada@example.com", "m-1@shop", "hello"); code != tt.code {
				t.Errorf("got %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.ledger, w.story("mails")); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
			w.expect("DELETE", "/faults?dependency=mail", "", "204 ")
			if code := w.mail("ada@example.com", "m-2@shop", "hello"); code != 0 {
				t.Errorf("after the lift: %d", code)
			}
		})
	}
}

func TestAMailThatBreaksOffIsNotDelivered(t *testing.T) {
	t.Parallel()
	w := start(t)
	c := w.dialSMTP()
	c.say("EHLO test", 250)
	c.say("MAIL FROM:<shop@example.com>", 250)
	c.say("RCPT TO:<a@example.com>", 250)
	c.say("DATA", 354)
	if _, err := fmt.Fprint(c.conn, "Subject: half\r\n\r\nhel"); err != nil {
		t.Fatal(err)
	}
	_ = c.conn.Close()
	if err := w.stop(); err != nil { // waits for the session to end
		t.Fatal(err)
	}
	if got := startIn(t, w.dir).story("mails"); len(got) > 0 {
		t.Errorf("ledger has %q", got)
	}
}

// smtpClient speaks SMTP line by line, for what a mail library does not do.
type smtpClient struct {
	t    *testing.T
	conn net.Conn
	text *textproto.Reader
}

func (w *world) dialSMTP() *smtpClient {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", w.smtp)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	c := &smtpClient{w.t, conn, textproto.NewReader(bufio.NewReader(conn))}
	if _, _, err := c.text.ReadResponse(220); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (c *smtpClient) say(line string, want int) {
	c.t.Helper()
	if _, err := fmt.Fprint(c.conn, line, "\r\n"); err != nil {
		c.t.Fatal(err)
	}
	if _, _, err := c.text.ReadResponse(want); err != nil {
		c.t.Fatalf("%.20q: %v", line, err)
	}
}
