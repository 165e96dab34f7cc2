package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// maxMessage is what the client refuses to send more than, and the brokers' default.
const maxMessage = 1 << 20

// Lengths of headers count on the wire too. The broker would refuse a letter that is
// too large at each attempt.
func TestDeadLetterOfManyEmptyHeadersFits(t *testing.T) {
	w := newWorld(t)
	w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: 1}
	refuseLarge(w)
	p := w.start()
	empty := make([]record.Header, 110_000)
	for i := range 41 {
		r := w.record(Added{Tally: "", Amount: 1}, "", 0)
		r.Key, r.Headers = "", empty
		if i > 30 {
			r.Key = fmt.Sprintf("k%d", i) // it parks, and its letter is another's
			r.Value = nil
		}
		p.send(r)
		p.add("well", 1, "silent")
	}
	p.add("well", 1, "")
	p.taken()
	p.drained()
	dead, copies := w.dead()
	equal(t, "dead letters", len(dead), 41)
	equal(t, "copies", copies, 0)
	equal(t, "producers replaced", p.metric("quintet_producers_replaced_total"), 0.0)
	equal(t, "told", p.lines.count("set aside"), 0)
	for _, d := range dead {
		if left := header(d, "dl_left_out"); !strings.HasPrefix(left, "1100") {
			t.Errorf("the letter leaves %q out", left)
		}
	}
	inOrder(t, w, 1)
}

// refuseLarge has the log refuse what the client refuses.
func refuseLarge(w *world) {
	open := w.openLog
	w.openLog = func() (engine.Producer, error) {
		p, err := open()
		return &bounded{Producer: p, large: make(chan engine.Ack, 1024), acks: make(chan engine.Ack)}, err
	}
}

// bounded is a log that takes no record which is too large.
type bounded struct {
	engine.Producer
	large, acks chan engine.Ack
	begun       atomic.Bool
}

func (b *bounded) Publish(ctx context.Context, id string, r *record.Record) {
	if size := wireSize(r); size > maxMessage {
		b.large <- engine.Ack{ID: id, Err: fmt.Errorf("%d bytes: %w", size, engine.ErrRefused)}
		return
	}
	b.Producer.Publish(ctx, id, r)
}

func (b *bounded) Acks() <-chan engine.Ack {
	if !b.begun.Swap(true) {
		go func() {
			defer close(b.acks)
			for {
				select {
				case a := <-b.large:
					b.acks <- a
				case a, open := <-b.Producer.Acks():
					if !open {
						return
					}
					b.acks <- a
				}
			}
		}()
	}
	return b.acks
}

// wireSize is the client's own count, by hand: pkg/kafka holds it against the client.
func wireSize(r *record.Record) int {
	n := 36 + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += 10 + len(h.Name) + len(h.Value)
	}
	return n
}

// No broker has bounded the result of a call: the other side chooses its size.
func TestDeadLetterOfLargeResultFits(t *testing.T) {
	w := newWorld(t)
	w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: 1}
	refuseLarge(w)
	p := w.start()
	p.add("k", 1, "")
	p.taken()
	w.exec(`INSERT INTO timers (id, key, name, due, body, causation, traceparent) VALUES ('Nap/k', 'k', 'Nap', 1, '{"Amount":"` + strings.Repeat("x", 2<<20) + `"}', '', '')`)
	p.engine.Wake()
	eventually(t, "it parks", func() bool { return w.count("parked") == "1" })
	p.drained()
	dead, _ := w.dead()
	equal(t, "dead letters", len(dead), 1)
	equal(t, "what is left out", header(dead[0], "dl_left_out"), fmt.Sprint(2<<20+13))
}

// A record with odd bytes can break a consumer. The operator needs those very bytes.
func TestDeadLetterKeepsEveryByte(t *testing.T) {
	odd := []record.Header{
		{Name: "raw", Value: "\x80\xff\x00\x01"},
		{Name: "\x80\xff\x00\x01", Value: "named"},
		{Name: "both", Value: "h\xc3\xa9 \u2028 <&> \ufffd"},
		{Name: "", Value: ""},
		{Name: "zero", Value: "\x00"},
	}
	value := []byte{9, 0x80, 0xff, 0, 1}
	for name, c := range map[string]struct {
		key      string
		value    []byte
		attempts int
	}{
		"without a key":               {"", value, 1},
		"with a key of any bytes":     {"\x80\xff\x00\x01", value, 1},
		"without a key, empty value":  {"", []byte{}, 1},
		"without a key, a tombstone":  {"", nil, 1},
		"parked":                      {"k", value, 1},
		"parked, a tombstone":         {"k", nil, 1},
		"parked, and after a restart": {"k", value, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.park = engine.ParkPolicy{Delay: time.Hour, Attempts: c.attempts}
			p := w.start()
			r := w.record(Added{Tally: "k", Amount: 1}, "1001", 1)
			r.Key, r.Value = c.key, c.value
			r.Headers = append(r.Headers, odd...)
			want := r.Headers
			p.send(r)
			p.taken()
			for range c.attempts - 1 { // each start is an attempt
				before := w.one(`SELECT attempts FROM parked`)
				p.stop()
				p = w.start()
				eventually(t, "the restart tries again", func() bool { return w.one(`SELECT attempts FROM parked`) > before })
			}
			eventually(t, "its letter is published", func() bool { dead, _ := w.dead(); return len(dead) == 1 })
			dead, _ := w.dead()
			for i, h := range want {
				if dead[0].Headers[i] != h {
					t.Errorf("header %q: %q became %q", h.Name, h, dead[0].Headers[i])
				}
			}
			if !bytes.Equal(dead[0].Value, c.value) || (dead[0].Value == nil) != (c.value == nil) {
				t.Errorf("value % x (nil %v) became % x (nil %v)", c.value, c.value == nil, dead[0].Value, dead[0].Value == nil)
			}
			key := dead[0].Key
			if !record.ValidID(c.key) {
				key = header(dead[0], "dl_key")
			}
			equal(t, "key", key, c.key)
		})
	}
}

// What the broker refuses for good is tried again now and then, and each time ends a
// producer. However many there are, the turns in between are all others'.
func TestRefusedEventsLeaveTheRelayToOthers(t *testing.T) {
	for _, many := range []int{40, 1200} { // more than are read at once
		t.Run(fmt.Sprint(many), func(t *testing.T) {
			w := newWorld(t)
			var tries atomic.Int64
			w.log.Fail(func(id string) error {
				if strings.HasPrefix(id, "refused") {
					tries.Add(1)
					return fmt.Errorf("too large: %w", engine.ErrRefused)
				}
				return nil
			})
			var rows []string
			for i := range many {
				rows = append(rows, fmt.Sprintf("('refused-%d', 't', '', 1, '[]', '', 0, 1)", i))
			}
			w.exec(`INSERT INTO outbox (id, topic, key, seq, headers, value, shard, due) VALUES ` + strings.Join(rows, ","))
			p := w.start()
			eventually(t, "they are tried again", func() bool { return tries.Load() > 0 })
			const rounds = 30
			for i := range int64(rounds) {
				p.add("k", i, "")
				eventually(t, "another event is published", func() bool { records, _ := w.published("tally.events"); return len(records) == int(i)+1 })
			}
			if n := tries.Load(); n > rounds/2 {
				t.Errorf("%d refused events were tried before %d others", n, rounds)
			}
			inOrder(t, w, rounds)
			equal(t, "refused events that are kept", w.one(`SELECT count(*) FROM outbox WHERE topic = 't'`), fmt.Sprint(many))
			eventually(t, "the next one has its turn too", func() bool { return tries.Load() > 1 })
		})
	}
}
