package kafka_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
)

// The kit counts what a record weighs as the client does: one byte more than the
// client takes is refused, whatever the record is made of.
func TestTooLargeRecordIsRefusedForGood(t *testing.T) {
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	many := make([]record.Header, 50_000) // each weighs, and says nothing
	for name, r := range map[string]record.Record{
		"value":   {Key: "k"},
		"headers": {Headers: many},
		"both":    {Key: strings.Repeat("k", 100), Headers: []record.Header{{Name: "name", Value: "value"}}},
	} {
		t.Run(name, func(t *testing.T) {
			r.Topic = "caller.events"
			r.Value = make([]byte, 1<<20-r.Size())
			equal(t, "size", r.Size(), 1<<20)
			log, err := kafka.Open(s)
			must(t, err)
			log.Publish(t.Context(), "fits", &r)
			fits := <-log.Acks()
			if errors.Is(fits.Err, engine.ErrRefused) && strings.Contains(fits.Err.Error(), "larger than configured") {
				t.Errorf("the client refuses %d bytes: %v", r.Size(), fits.Err)
			}
			r.Value = make([]byte, len(r.Value)+1)
			log.Publish(t.Context(), "too large", &r)
			if a := <-log.Acks(); a.ID != "too large" || !errors.Is(a.Err, engine.ErrRefused) {
				t.Errorf("one byte more: got %v", a)
			}
			log.Publish(t.Context(), "next", &record.Record{Topic: "caller.events", Key: "k", Value: []byte("x")})
			if a := <-log.Acks(); a.ID != "next" || a.Err != nil {
				t.Errorf("the next record: got %v", a)
			}
			must(t, log.Close())
		})
	}
}

// The input as it was found: forty records that are nothing but headers.
func TestFortyEmptyHeaderLettersFit(t *testing.T) {
	_, s := broker(t)
	createTopics(t, s, "echo.dead-letter")
	log, err := kafka.Open(s)
	must(t, err)
	original := record.Record{Topic: "caller.events", Headers: make([]record.Header, 110_000)}
	for i := range 40 {
		original.Offset = int64(i)
		letter := record.DeadLetter(&original, "", nil, record.Failure{Service: "echo", Kind: "event", Cause: errors.New("no key")})
		log.Publish(t.Context(), fmt.Sprint(i), &letter)
	}
	for range 40 {
		if a := <-log.Acks(); a.Err != nil {
			t.Errorf("letter %s: %v", a.ID, a.Err)
		}
	}
	must(t, log.Close())
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
