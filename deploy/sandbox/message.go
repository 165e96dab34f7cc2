package sandbox

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// readMessage reads the parts of a message that a test asks for, all decoded. They are
// its id, subject and plain text, and the order in its header X-Order-ID.
func readMessage(r io.Reader) (Entry, error) {
	msg, err := mail.ReadMessage(r)
	if err != nil {
		return Entry{}, fmt.Errorf("read message header: %w", err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		return Entry{}, fmt.Errorf("read message subject: %w", err)
	}
	text, _, err := plainText(msg.Header.Get, msg.Body, 0)
	if err != nil {
		return Entry{}, fmt.Errorf("read message body: %w", err)
	}
	return Entry{
		MessageID: strings.Trim(msg.Header.Get("Message-ID"), "<> "),
		OrderID:   msg.Header.Get("X-Order-ID"),
		Subject:   subject,
		Body:      strings.ReplaceAll(text, "\r\n", "\n"),
	}, nil
}

const maxNesting = 5

// plainText returns the first text/plain part, and whether there was one. It does not
// convert text that is not UTF-8.
func plainText(header func(string) string, body io.Reader, depth int) (string, bool, error) {
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		kind = "text/plain" // RFC 2045: the default for a message without a (readable) type
	}
	switch strings.ToLower(header("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	switch {
	case kind == "text/plain":
		text, err := io.ReadAll(body)
		return string(text), true, err
	case !strings.HasPrefix(kind, "multipart/") || depth == maxNesting:
		return "", false, nil
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart() // raw: the encoding is undone above
		if err == io.EOF {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		if text, found, err := plainText(part.Header.Get, part, depth+1); found || err != nil {
			return text, found, err
		}
	}
}
