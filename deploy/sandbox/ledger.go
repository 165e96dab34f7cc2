package sandbox

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The outcomes of an Entry. Captured, voided, refunded, booked, unbooked and collected
// stand at most once per key: they state that the operation took effect.
const (
	captured = "captured"
	declined = "declined"
	voided   = "voided"
	refunded = "refunded"

	booked    = "booked"
	refused   = "refused" // the carrier does not go there
	unbooked  = "unbooked"
	collected = "collected"

	accepted   = "accepted"
	bounced    = "bounced"
	greylisted = "greylisted"
	undecided  = "undecided" // refused, but the server behind may have accepted it

	repeat      = "repeat"      // the key was decided before; nothing happened again
	rejected    = "rejected"    // came too late or too early (tombstone); nothing happened
	unavailable = "unavailable" // tok_flaky and tok_down: answered 503, nothing happened
	lifted      = "lifted"      // DELETE /faults ended tok_lost and tok_down for the keys above it
)

// Entry is one line of a ledger. Payments, shipments and mails share the first block.
// Each of them uses a block of its own and leaves the rest out.
type Entry struct {
	N       int       `json:"n"`  // 1, 2, 3, ... per ledger
	At      time.Time `json:"at"` // when it was written, UTC
	Op      string    `json:"op"` // charge, void, refund, lift; book, unbook, collect; mail
	Key     string    `json:"key,omitempty"`
	OrderID string    `json:"orderId,omitempty"`
	Outcome string    `json:"outcome"`
	// Answered is false when the caller received no answer. The cause is a magic value,
	// a "lost" fault, or a caller that hung up before the entry was written.
	Answered bool `json:"answered"`

	// Amount is the requested amount in minor units; of a void it is the voided amount.
	// Summed by outcome, captured - voided - refunded is the amount that the provider
	// holds.
	Amount   int64  `json:"amount,omitempty"`
	Currency string `json:"currency,omitempty"`
	Token    string `json:"token,omitempty"`

	TrackingNumber string   `json:"trackingNumber,omitempty"`
	Delivery       string   `json:"delivery,omitempty"` // address or depot
	Address        *Address `json:"address,omitempty"`
	Lines          []Line   `json:"lines,omitempty"`

	MessageID string   `json:"messageId,omitempty"` // without the angle brackets
	From      string   `json:"from,omitempty"`
	To        []string `json:"to,omitempty"` // of the envelope
	Subject   string   `json:"subject,omitempty"`
	Body      string   `json:"body,omitempty"` // the plain text, decoded
}

// ledger is an append-only file of JSON lines. It is the only memory of the sandbox:
// every start folds the state of each key from it. One write hands an entry to the
// operating system, before the caller receives its answer. So the entry survives a kill
// of the process, not a power cut.
type ledger struct {
	path string

	mu     sync.Mutex
	file   *os.File
	size   int64
	n      int
	failed error // of the latest append; nil when it went well
}

// openLedger opens or creates the ledger called name in dir and folds its entries,
// oldest first. It cuts off a last line that a crash tore, and reports it to log. Its
// caller had no answer yet. An unreadable line above the last one is an error, since a
// witness with a hole is none.
func openLedger(dir, name string, fold func(Entry), log *slog.Logger) (*ledger, error) {
	l := &ledger{path: filepath.Join(dir, name+".jsonl")}
	var err error
	if l.file, err = os.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	torn, err := l.replay(fold)
	if err == nil && torn > 0 {
		log.Warn("ledger had a torn last line, cut off", "ledger", l.path, "after", l.n, "bytes", torn)
		err = l.file.Truncate(l.size)
	}
	if err != nil {
		_ = l.file.Close() // the error that matters is err
		return nil, fmt.Errorf("read ledger %s: %w", l.path, err)
	}
	return l, nil
}

// replay folds every whole line and returns how many bytes follow the last one.
func (l *ledger) replay(fold func(Entry)) (torn int, err error) {
	r := bufio.NewReader(l.file)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil && err != io.EOF {
			return 0, err
		}
		if err == io.EOF {
			return len(line), nil
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			if _, end := r.Peek(1); end == io.EOF {
				return len(line), nil
			}
			return 0, fmt.Errorf("line %d: %w", l.n+1, err)
		}
		fold(e)
		l.n, l.size = e.N, l.size+int64(len(line))
	}
}

// append numbers and dates e and writes it.
func (l *ledger) append(e Entry) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.N, e.At = l.n+1, time.Now().UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode entry %d of %s: %w", e.N, l.path, err)
	}
	line = append(line, '\n')
	if _, err := l.file.Write(line); err != nil {
		// A full disk may hold half the line; the next entry must not be glued to it.
		_ = l.file.Truncate(l.size)
		l.failed = fmt.Errorf("append entry %d to %s: %w", e.N, l.path, err)
		return l.failed
	}
	l.n, l.size, l.failed = e.N, l.size+int64(len(line)), nil
	return nil
}

// writeTo writes the entries of one order, or all of them when orderID is empty, as a
// JSON array. It reads them from the file, not from memory. It leaves out entries that
// are appended meanwhile.
func (l *ledger) writeTo(w io.Writer, orderID string) error {
	l.mu.Lock()
	size := l.size
	l.mu.Unlock()

	out := bufio.NewWriter(w)
	_ = out.WriteByte('[') // bufio keeps the first error for Flush
	lines := bufio.NewReader(io.NewSectionReader(l.file, 0, size))
	for first := true; ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read ledger %s: %w", l.path, err)
		}
		var of struct{ OrderID string }
		if orderID != "" {
			if err := json.Unmarshal(line, &of); err != nil {
				return fmt.Errorf("read ledger %s: %w", l.path, err)
			}
		}
		if of.OrderID != orderID {
			continue
		}
		if !first {
			_ = out.WriteByte(',')
		}
		first = false
		_, _ = out.Write(line)
	}
	_, _ = out.WriteString("]\n")
	return out.Flush()
}

// trouble returns why the latest append did not go well, or nil.
func (l *ledger) trouble() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
