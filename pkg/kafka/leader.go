package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leader reads the partitions of a session that one broker leads, with one request
// for all of them.
type leader struct {
	s       *session
	address string
	joined  chan []*reading // partitions given to this leader; has room for all
	mine    []*reading
	conn    *connection
	looked  time.Time // last check whether the broker still leads them
}

// run reads until the session's ctx ends.
func (l *leader) run(ctx context.Context) {
	defer func() {
		l.hangUp()
		for _, r := range l.mine {
			r.end()
		}
	}()
	for l.rest(ctx) {
		if err := l.round(ctx); err != nil {
			if ctx.Err() == nil {
				l.s.fail(err)
			}
			return
		}
	}
}

// rest waits until a partition is due. It reports false when ctx ended.
func (l *leader) rest(ctx context.Context) bool {
	for ctx.Err() == nil {
		if len(l.mine) == 0 {
			l.hangUp()
		}
		for len(l.joined) > 0 {
			l.mine = append(l.mine, <-l.joined...)
		}
		wake := (<-chan time.Time)(nil)
		if len(l.mine) > 0 {
			first := slices.MinFunc(l.mine, func(a, b *reading) int { return a.due.Compare(b.due) })
			d := time.Until(first.due)
			if d <= 0 {
				return true
			}
			wake = time.After(d)
		}
		select {
		case readings := <-l.joined:
			l.mine = append(l.mine, readings...)
		case <-wake:
		case <-ctx.Done():
		}
	}
	return false
}

// round sends one fetch for the partitions that are due and have no page in progress.
// It then delivers up to turn records of each page in progress. It returns an error if
// the session is over.
func (l *leader) round(ctx context.Context) error {
	if err := l.look(ctx); err != nil {
		return err
	}
	var ask []*reading
	now, wait := time.Now(), pollTime
	for _, r := range l.mine {
		select {
		case <-r.assignment.Fenced():
			return fmt.Errorf("%w: %s", errOvertaken, r.name)
		default:
		}
		switch {
		case r.more != nil:
			wait = 0
		case !r.due.After(now):
			ask = append(ask, r)
		}
	}
	if err := l.fetch(ctx, ask, wait); err != nil {
		return err
	}
	// The broker fills its answer in the order of the request. So the partitions that
	// delivered in this round come last in the next request.
	var had, not []*reading
	for _, r := range l.mine {
		if r.more == nil {
			not = append(not, r)
			continue
		}
		had = append(had, r)
		if err := r.hand(ctx); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			r.stands(now, err)
		}
	}
	l.mine = slices.Concat(not, had)
	return nil
}

// look gives back, once every lookAgain, the partitions that have another leader in the
// client's metadata. A broker that is cut off from the others goes on answering.
func (l *leader) look(ctx context.Context) error {
	if time.Since(l.looked) < lookAgain {
		return nil
	}
	l.looked = time.Now()
	for _, r := range slices.Clone(l.mine) {
		address, err := l.s.cluster.leader(r.assignment.Topic, r.assignment.Partition)
		if err != nil {
			return nil // the leader is unknown now
		}
		if address != l.address {
			if err := l.back(ctx, l.looked, r, fmt.Errorf("the leader is %s now", address)); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch begins a page of each partition for which the broker returns batches. A
// partition that this broker cannot serve goes back to the session, which looks for its
// leader.
func (l *leader) fetch(ctx context.Context, of []*reading, wait time.Duration) (err error) {
	if len(of) == 0 {
		return nil
	}
	began := time.Now()
	if l.conn == nil {
		if l.conn, err = dial(ctx, l.s.cluster.client, l.address); err != nil {
			return l.allBack(ctx, began, of, err)
		}
	}
	topics, err := l.conn.fetch(ctx, of, wait)
	if errors.Is(err, errTooLarge) {
		l.hangUp()
		if len(of) == 1 {
			of[0].stands(began, &unreadable{of[0].next, of[0].next, err})
			return nil
		}
		for _, r := range of { // one of them is to blame
			if err := l.fetch(ctx, []*reading{r}, 0); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		l.hangUp()
		return l.allBack(ctx, began, of, err)
	}
	first := of[0] // the broker has room for the first partition that it is asked for
	for _, topic := range topics {
		for i := range topic.Partitions {
			p := &topic.Partitions[i]
			at := slices.IndexFunc(of, func(r *reading) bool {
				return r.assignment.Partition == p.Partition && r.assignment.Topic == topic.Topic
			})
			if at < 0 {
				continue // not requested
			}
			r := of[at]
			of = slices.Delete(of, at, at+1)
			if err := l.answer(ctx, began, r, p, r == first); err != nil {
				return err
			}
		}
	}
	return nil // no room in the answer for the partitions left, or the broker throttles
}

// answer handles a broker's answer for one partition.
func (l *leader) answer(ctx context.Context, began time.Time, r *reading, p *kmsg.FetchResponseTopicPartition, first bool) error {
	switch code := sarama.KError(p.ErrorCode); {
	case errors.Is(code, sarama.ErrOffsetOutOfRange):
		return fmt.Errorf("%w: %s is at %d", ErrPosition, r.name, r.next)
	case !errors.Is(code, sarama.ErrNoError):
		return l.back(ctx, began, r, code)
	case len(p.RecordBatches) > 0:
		r.begin(p)
	case first || p.LastStableOffset <= r.next: // else there may have been no room for it
		r.goesOn()
	}
	return nil
}

func (l *leader) allBack(ctx context.Context, since time.Time, of []*reading, err error) error {
	for _, r := range of {
		if err := l.back(ctx, since, r, err); err != nil {
			return err
		}
	}
	return nil
}

// back gives a partition back to the session; it has not been read since the given
// time. back returns an error if the session is over.
func (l *leader) back(ctx context.Context, since time.Time, r *reading, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.end()
	r.stands(since, fmt.Errorf("fetch from %s: %w", l.address, err))
	l.mine = slices.DeleteFunc(l.mine, func(other *reading) bool { return other == r })
	l.s.lost <- r
	return nil
}

func (l *leader) hangUp() {
	if l.conn != nil {
		_ = l.conn.conn.Close() // the connection buffers no write
		l.conn = nil
	}
}
