package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/telemetry"
)

// sink is where lines end up. It can be full.
type sink struct {
	mu     sync.Mutex
	text   bytes.Buffer
	full   bool
	writes int
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	if s.full {
		return 0, errors.New("no space left")
	}
	return s.text.Write(b)
}

func (s *sink) set(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

func (s *sink) lines() (lines []map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range bytes.Split(bytes.TrimSpace(s.text.Bytes()), []byte("\n")) {
		var m map[string]any
		if json.Unmarshal(line, &m) == nil {
			lines = append(lines, m)
		}
	}
	return lines
}

func TestNoLineIsLostOrTorn(t *testing.T) {
	s := &sink{}
	log, lines := telemetry.NewLogger(s, "test", slog.LevelInfo)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 500 {
				log.Info("line", "n", fmt.Sprintf("%d/%d", w, i))
			}
		})
	}
	writers.Wait()
	if err := lines.Flush(); err != nil {
		t.Fatal(err)
	}
	seen := map[any]bool{}
	for _, l := range s.lines() {
		seen[l["n"]] = true
		if l["service"] != "test" {
			t.Errorf("line without its service: %v", l)
		}
	}
	if len(seen) != 4000 {
		t.Errorf("lines: got %d, want 4000", len(seen))
	}
	if s.writes > 2000 {
		t.Errorf("4000 lines took %d writes", s.writes)
	}
}

func TestLogLinesFlushSoonAndWarningsAtOnce(t *testing.T) {
	s := &sink{}
	log, _ := telemetry.NewLogger(s, "test", slog.LevelInfo)
	log.Debug("too detailed")
	log.Info("first")
	log.With("a", 1).WithGroup("g").Warn("second", "b", 2)
	if n := len(s.lines()); n != 2 {
		t.Errorf("lines after a warning: got %d, want 2", n)
	}
	log.Info("third")
	end, look := time.After(10*time.Second), time.NewTicker(time.Millisecond)
	defer look.Stop()
	for len(s.lines()) < 3 {
		select {
		case <-look.C:
		case <-end:
			t.Fatal("the third line is never written")
		}
	}
}

// A key, a header or a cause may come from a foreign producer, who may write
// anything. It must not make a second line, nor one that nobody can read.
func TestForeignTextStaysWithinItsLine(t *testing.T) {
	const forged = "\n{\"level\":\"ERROR\",\"msg\":\"forged\"}\n"
	for _, text := range []string{forged, "\r\n", "\x00", "\x1b[2J", "\u2028\u2029", "\xff\xfe", "\"}", "\\"} {
		s := &sink{}
		log, _ := telemetry.NewLogger(s, "test", slog.LevelInfo)
		log.Warn("refused "+text, "key", text, "error", errors.New(text))
		got := s.lines()
		if n := bytes.Count(s.text.Bytes(), []byte("\n")); n != 1 || len(got) != 1 {
			t.Errorf("%q makes %d lines, of which %d are JSON", text, n, len(got))
			continue
		}
		if want := strings.ToValidUTF8(text, "\ufffd"); got[0]["level"] != "WARN" || len(want) == len(text) && got[0]["key"] != want {
			t.Errorf("%q is logged as %v", text, got[0])
		}
	}
}

func TestALogThatWasFullGoesOnOnceThereIsSpace(t *testing.T) {
	s := &sink{}
	log, lines := telemetry.NewLogger(s, "test", slog.LevelInfo)
	s.set(true)
	log.Error("lost")
	s.set(false)
	log.Error("kept")
	if err := lines.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := s.lines(); len(got) != 1 || got[0]["msg"] != "kept" {
		t.Errorf("got %v", got)
	}
}
