package sandbox

import (
	"bytes"
	"context"
	"errors"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

// relayTimeout bounds the whole handover of one message. A sender is likely to wait
// longer than that for its answer. So a relay that hangs causes an answered refusal and
// not a silence.
const relayTimeout = 3 * time.Second

// handOn gives a message to the mail server at addr, in plain text, or to none when
// addr is empty. After an error the server does not have the message, unless unsure
// reports that it may. Then the server may have accepted the message without an answer
// in time.
func handOn(stopping context.Context, addr, from string, to []string, raw []byte) (unsure bool, err error) {
	if addr == "" {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(stopping, relayTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	// The library's own time-outs are per command, and minutes.
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	client := smtp.NewClient(conn)
	if err := client.SendMail(from, to, bytes.NewReader(raw)); err != nil {
		refused := (*smtp.SMTPError)(nil)
		return !errors.As(err, &refused), err
	}
	_ = client.Quit() // however that ends, the server has the message
	return false, nil
}
