package flowtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/record"
)

// patience bounds every wait. It is long because the machine may be busy; a
// test that passes never uses it up.
const patience = 20 * time.Second

// eventually polls ok until it reports true, and fails the test after patience.
func eventually(t testing.TB, what string, ok func(ctx context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for !ok(ctx) {
		select {
		case <-look.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// once returns a fault that happens the first time only.
func once() func() error {
	var done atomic.Bool
	return func() error {
		if done.Swap(true) {
			return nil
		}
		return errors.New("injected")
	}
}

func header(r record.Record, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

func last(fullName string) string {
	return fullName[strings.LastIndexByte(fullName, '.')+1:]
}
