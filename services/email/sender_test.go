package email

import (
	"context"
	"errors"
	"io"
	"maps"
	"mime"
	"net"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/schemas/events"
)

// attempt makes one attempt. Its steps may take as long as they like; patience
// is for all of them together.
func attempt(t *testing.T, addr string, m SendMail, patience time.Duration) (MailAnswered, error) {
	t.Helper()
	s, err := newSender(addr, "orders@quintet.example", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return s.send(ctx, flow.Call{}, m)
}

func letterTo(to string) SendMail {
	return SendMail{NotificationID: "n-1", OrderID: "1234", To: to, Kind: events.KindOrderCancelled, Reason: events.ReasonDeclined}
}

// How an attempt must be understood.
const (
	accepted = "accepted"
	bounced  = "bounced"  // a result: the server will never take it
	notDone  = "not done" // an error: try again
	unknown  = "unknown"  // an error: never try again
)

func understood(a MailAnswered, err error) string {
	switch {
	case err == nil && a.Cause == "":
		return accepted
	case err == nil && a.Cause == events.CauseBounced:
		return bounced
	case errors.Is(err, flow.ErrNoEffect):
		return notDone
	case err != nil:
		return unknown
	}
	return "as " + string(a.Cause)
}

func TestAnAttemptIsUnderstood(t *testing.T) {
	rcpt := func(code int) rules { return rules{rcpt: func(*smtp.Conn, int) error { return answer(code) }} }
	data := func(code int) rules { return rules{data: func(*smtp.Conn, io.Reader) error { return answer(code) }} }
	for _, tt := range []struct {
		name  string
		rules rules
		want  string
		mails int // that the server has
	}{
		{"accepted", rules{}, accepted, 1},
		{"no such mailbox", rcpt(550), bounced, 0},
		{"greylisted", rcpt(451), notDone, 0},
		{"sender refused for good", rules{mail: func(*smtp.Conn) error { return answer(550) }}, bounced, 0},
		{"sender refused for now", rules{mail: func(*smtp.Conn) error { return answer(451) }}, notDone, 0},
		{"message refused for good", data(554), bounced, 0},
		{"message refused for now", data(451), notDone, 0},
		{"going down", data(421), notDone, 0},
		{"cut at MAIL", rules{mail: func(c *smtp.Conn) error { cut(c); return nil }}, notDone, 0},
		{"cut at RCPT", rules{rcpt: func(c *smtp.Conn, _ int) error { cut(c); return nil }}, notDone, 0},
		{"silent at RCPT", rules{rcpt: func(c *smtp.Conn, _ int) error { silent(c); return nil }}, notDone, 0},
		{"cut while the message was on its way", rules{data: func(c *smtp.Conn, _ io.Reader) error { cut(c); return answer(451) }}, unknown, 0},
		{"cut before the answer", rules{bye: cut}, unknown, 1},
		{"silent before the answer", rules{bye: silent}, unknown, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := startPost(t, tt.rules)
			patience := 5 * time.Second
			if strings.HasPrefix(tt.name, "silent") {
				patience = 200 * time.Millisecond
			}
			a, err := attempt(t, p.addr, letterTo("ada@example.com"), patience)
			if got := understood(a, err); got != tt.want {
				t.Errorf("understood as %s, want %s (%v)", got, tt.want, err)
			}
			if a.NotificationID != "n-1" {
				t.Errorf("answers for notification %q", a.NotificationID)
			}
			if letters, _ := p.delivered(); len(letters) != tt.mails {
				t.Errorf("the server has %d mails, want %d", len(letters), tt.mails)
			}
			if err != nil && strings.Contains(err.Error(), "ada@") {
				t.Errorf("the error would put the address into the log: %v", err)
			}
		})
	}
}

// script is a mail server that says lines, whatever it hears: after each the
// next. An empty line hangs up.
func script(t *testing.T, lines ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return // the test is over
		}
		defer c.Close()
		buf := make([]byte, 64<<10)
		for _, line := range lines {
			if line == "" {
				return
			}
			if _, err := io.WriteString(c, line+"\r\n"); err != nil {
				return
			}
			if _, err := c.Read(buf); err != nil {
				return
			}
		}
		_, _ = io.Copy(io.Discard, c)
	}()
	return l.Addr().String()
}

func TestAStrangeServerIsUnderstood(t *testing.T) {
	hello := []string{"220 hello", "250 post.example"}
	said := func(lines ...string) []string { return append(slices.Clone(hello), lines...) }
	for _, tt := range []struct {
		name  string
		lines []string
		want  string
	}{
		{"busy at the door", []string{"421 not now"}, notDone},
		{"no mail here", []string{"554 no mail here"}, notDone}, // says nothing about this mail: another attempt may meet a mended server
		{"not a mail server", []string{"HTTP/1.1 400 Bad Request"}, notDone},
		{"hangs up at the door", []string{""}, notDone},
		{"hangs up on hello", []string{"220 hello", ""}, notDone},
		{"silent at the door", nil, notDone},
		{"hangs up on DATA", said("250 sender", "250 recipient", ""), notDone},
		{"refuses DATA for good", said("250 sender", "250 recipient", "554 no"), bounced},
		{"mumbles at the end", said("250 sender", "250 recipient", "354 go on", "whatever"), unknown},
		{"asks for more at the end", said("250 sender", "250 recipient", "354 go on", "354 go on"), unknown},
		{"breaks off in the middle of its answer", said("250 sender", "250 recipient", "354 go on", "451-not", ""), unknown},
		{"accepts, and hangs up on QUIT", said("250 sender", "250 recipient", "354 go on", "250 mine", ""), accepted},
		{"accepts, and refuses to QUIT", said("250 sender", "250 recipient", "354 go on", "250 mine", "500 stay"), accepted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := attempt(t, script(t, tt.lines...), letterTo("ada@example.com"), 500*time.Millisecond)
			if got := understood(a, err); got != tt.want {
				t.Errorf("understood as %s, want %s (%v)", got, tt.want, err)
			}
		})
	}
}

func TestAServerThatIsNotThereHasNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := attempt(t, l.Addr().String(), letterTo("ada@example.com"), 5*time.Second)
	if got := understood(a, err); got != notDone {
		t.Errorf("understood as %s (%v)", got, err)
	}
}

func TestAMailSaysWhatHappened(t *testing.T) {
	p := startPost(t, rules{})
	if a, err := attempt(t, p.addr, letterTo("ada@example.com"), 5*time.Second); understood(a, err) != accepted {
		t.Fatal(a, err)
	}
	letters, _ := p.delivered()
	m, err := mail.ReadMessage(strings.NewReader(letters[0].text))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"from": letters[0].from, "to": strings.Join(letters[0].to, " "), "body": string(body)}
	for _, h := range []string{"From", "To", "Subject", "Message-ID", "X-Order-ID"} {
		got[h] = m.Header.Get(h)
	}
	want := map[string]string{
		"from": "orders@quintet.example", "to": "ada@example.com", "From": "<orders@quintet.example>", "To": "<ada@example.com>",
		"Subject":    "Your order 1234 was cancelled: the card was declined",
		"Message-ID": "<n-1@quintet>", "X-Order-ID": "1234",
		"body": "Your order 1234 was cancelled: the card was declined.\n\nYou have not been charged, or have your money back.\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
}

func TestEveryReasonIsSaidInWords(t *testing.T) {
	for _, r := range []events.Reason{
		events.ReasonCustomer, events.ReasonDeadline, events.ReasonOutOfStock, events.ReasonDeclined,
		events.ReasonProviderUnavailable, events.ReasonCarrierRefused, events.ReasonCarrierUnavailable,
	} {
		if subject, _ := words("1", events.KindOrderCancelled, r); !strings.Contains(subject, ": ") || strings.Contains(subject, "_") {
			t.Errorf("%s: %q", r, subject)
		}
	}
	if subject, _ := words("1", events.KindOrderCancelled, events.ReasonUnspecified); subject != "Your order 1 was cancelled" {
		t.Error(subject)
	}
}

func TestNobodyElseCanBeWrittenTo(t *testing.T) {
	p := startPost(t, rules{})
	for _, to := range []string{
		"", "ada", "ada@", "@example.com", " ada@example.com", "ada@example.com, eve@example.com", "ada@example.com eve@example.com",
		"Ada <ada@example.com>", "<ada@example.com>", "(Ada) ada@example.com", `"ada> NOTIFY=NEVER"@example.com`, `"ada\"eve"@example.com`,
		"ada@example.com\r\nBcc: eve@example.com", "ada@example.com\nBcc: eve@example.com", "ada@example.com\r\n Bcc: eve@example.com",
		"ada\u0085@example.com", "ada\u2028@example.com", "ada\u200b@example.com", "ada@exam\u00a0ple.com", "ada\xff@example.com",
		"ada@" + strings.Repeat("long.", 60) + "example.com", // longer than any address that a server must take
		"ada\r\n@example.com", "ada@example.com\r\nRCPT TO:<eve@example.com>", "ada@example.com>\r\nRCPT TO:<eve@example.com", "ada@example.com\x00",
	} {
		a, err := attempt(t, p.addr, letterTo(to), 5*time.Second)
		if got := understood(a, err); got != bounced {
			t.Errorf("%q is understood as %s (%v)", to, got, err)
		}
	}
	if letters, callers := p.delivered(); len(letters) != 0 || callers != 0 {
		t.Errorf("%d mails by %d callers", len(letters), callers)
	}
}

// A server that has not said so does not know what to do with such an address,
// and may hang up on the command.
func TestAnAddressOfOtherLettersNeedsAServer(t *testing.T) {
	const to = "ädä@bücher.example"
	lines := []string{"220 hello", "250-post.example\r\n250-8BITMIME\r\n250 SMTPUTF8", "250 sender", "250 recipient", "354 go on", "250 mine", "221 bye"}
	a, err := attempt(t, script(t, lines...), letterTo(to), 5*time.Second)
	if got := understood(a, err); got != accepted {
		t.Errorf("where it is known: understood as %s (%v)", got, err)
	}
	p := startPost(t, rules{})
	a, err = attempt(t, p.addr, letterTo(to), 5*time.Second)
	if got := understood(a, err); got != bounced {
		t.Errorf("where it is not: understood as %s (%v)", got, err)
	}
	if letters, _ := p.delivered(); len(letters) != 0 {
		t.Errorf("delivered %+v", letters)
	}
}

// An order id comes from a foreign producer, who may write anything.
func TestAnOrderIDCannotAddToAMail(t *testing.T) {
	for _, id := range []string{
		"1\r\nBcc: eve@example.com", "1\nBcc: eve@example.com", "1\rBcc: eve@example.com", "1\r\n\r\nhello", "1\r\n Bcc: eve", "1\u0085x", "1\x00",
		"=?utf-8?q?=0D=0ABcc:_eve?=", strings.Repeat("long ", 40), "\xff\xfe", "заказ 1", "\r\n.\r\nMAIL FROM:<eve@example.com>",
	} {
		p := startPost(t, rules{})
		m := letterTo("ada@example.com")
		m.OrderID = id
		if a, err := attempt(t, p.addr, m, 5*time.Second); understood(a, err) != accepted {
			t.Errorf("%q: %v %v", id, a, err)
			continue
		}
		letters, _ := p.delivered()
		if len(letters) != 1 || !slices.Equal(letters[0].to, []string{"ada@example.com"}) {
			t.Errorf("%q: delivered %+v", id, letters)
			continue
		}
		read, err := mail.ReadMessage(strings.NewReader(letters[0].text))
		if err != nil {
			t.Errorf("%q: %v", id, err)
			continue
		}
		want := []string{"Auto-Submitted", "Content-Transfer-Encoding", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "X-Order-Id"}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(read.Header))); diff != "" {
			t.Errorf("%q: headers (-want +got):\n%s", id, diff)
		}
		for name, values := range read.Header {
			text, err := new(mime.WordDecoder).DecodeHeader(values[0])
			if err != nil || len(values) != 1 || strings.ContainsFunc(text, unicode.IsControl) {
				t.Errorf("%q: %s is %q, decoded %q (%v)", id, name, values, text, err)
			}
		}
	}
}
