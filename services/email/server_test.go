package email

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
)

// post is a real SMTP server that behaves as a test says.
type post struct {
	addr string

	mu       sync.Mutex
	rules    rules
	sessions int
	accepted []letter
}

// rules are a server's answers. A nil one is friendly.
type rules struct {
	mail func(c *smtp.Conn) error
	rcpt func(c *smtp.Conn, attempt int) error
	data func(c *smtp.Conn, r io.Reader) error // read the message, or not
	bye  func(c *smtp.Conn)                    // after the message was accepted
}

// letter is a message as it was accepted.
type letter struct {
	from string
	to   []string
	text string
}

func startPost(t *testing.T, r rules) *post {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &post{addr: l.Addr().String(), rules: r}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sessions++
		return &session{post: p, conn: c, attempt: p.sessions}, nil
	}))
	s.Domain = "post.example"
	s.ErrorLog = quiet{}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
		_ = l.Close() // a server that was closed before it began to serve does not know its listener
		serving.Wait()
	})
	return p
}

// delivered returns what the server accepted, and from how many callers.
func (p *post) delivered() ([]letter, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]letter(nil), p.accepted...), p.sessions
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type session struct {
	post    *post
	conn    *smtp.Conn
	attempt int
	letter  letter
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.letter = letter{from: from}
	if s.post.rules.mail != nil {
		return s.post.rules.mail(s.conn)
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.post.rules.rcpt != nil {
		if err := s.post.rules.rcpt(s.conn, s.attempt); err != nil {
			return err
		}
	}
	s.letter.to = append(s.letter.to, to)
	return nil
}

// Data accepts the message before it answers, as servers do: whether the
// answer arrives does not change it.
func (s *session) Data(r io.Reader) error {
	if s.post.rules.data != nil {
		if err := s.post.rules.data(s.conn, r); err != nil {
			return err
		}
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.letter.text = strings.ReplaceAll(string(text), "\r\n", "\n")
	s.post.mu.Lock()
	s.post.accepted = append(s.post.accepted, s.letter)
	s.post.mu.Unlock()
	if s.post.rules.bye != nil {
		s.post.rules.bye(s.conn)
	}
	return nil
}

func (s *session) Reset() {}

func (s *session) Logout() error { return nil }

func answer(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "no, ada@example.com"}
}

func cut(c *smtp.Conn) { _ = c.Conn().Close() }

// silent keeps the caller waiting until it hangs up.
func silent(c *smtp.Conn) {
	_, _ = io.Copy(io.Discard, c.Conn())
	cut(c)
}
