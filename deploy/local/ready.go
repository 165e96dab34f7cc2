package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	probeEvery = 20 * time.Millisecond
	probeBound = time.Second
)

// WaitReady returns when the named processes, or all if none is named, report that they
// are ready. When one of them ends, WaitReady returns an [ErrDied] at once. When ctx
// ends, it returns an error that has each unready process with its last answer.
func (s *Stack) WaitReady(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		names = Names()
	}
	waiting, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	problems := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			problems[i] = s.waitReady(waiting, name)
			if errors.Is(problems[i], ErrDied) {
				giveUp(problems[i]) // the others may be waiting for it
			}
		})
	}
	all.Wait()
	if cause := context.Cause(waiting); errors.Is(cause, ErrDied) {
		return cause
	}
	return errors.Join(problems...)
}

func (s *Stack) waitReady(ctx context.Context, name string) error {
	service, _ := find(name)
	p := s.process(name)
	if p == nil {
		return fmt.Errorf("%s was not started", name)
	}
	ticks := time.NewTicker(probeEvery)
	defer ticks.Stop()
	var answer error // the last one that was not cut short by ctx
	for {
		now := service.probe(ctx, s.opts.PortBase)
		if now == nil {
			return nil
		}
		if answer == nil || ctx.Err() == nil {
			answer = now
		}
		select {
		case <-ticks.C:
		case <-p.done:
			return p.death()
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", name, answer)
		}
	}
}

// Probe asks a process of the stack at a port base, whichever supervisor runs it. It
// returns nil if the process is ready, or the reason why not.
func Probe(ctx context.Context, portBase int, name string) error {
	service, ok := find(name)
	if !ok {
		return fmt.Errorf("probe %s: no such process", name)
	}
	return service.probe(ctx, portBase)
}

// probe returns nil if the process reports that it is ready, or the reason why not.
func (s service) probe(ctx context.Context, base int) error {
	ctx, cancel := context.WithTimeout(ctx, probeBound)
	defer cancel()
	if s.http == 0 {
		return probeBroker(ctx, s.url(base))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(base)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 2048)) // for the message only
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

// probeBroker asks for the versions that the broker supports. An open port alone would
// not do: the broker listens first, and loads its log then.
func probeBroker(ctx context.Context, address string) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := conn.Write(kmsg.NewRequestFormatter().AppendRequest(nil, kmsg.NewPtrApiVersionsRequest(), 1)); err != nil {
		return err
	}
	var answer struct{ Length, Correlation int32 }
	return binary.Read(conn, binary.BigEndian, &answer)
}
