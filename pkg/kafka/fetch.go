package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// fetcher asks the leader of one partition for what its log holds, as it holds
// it. The client hands out its answers only decoded, and what it cannot decode
// it drops or steps over; so this is the one request that does not go through it.
type fetcher struct {
	cluster   *Cluster
	topic     string
	partition int32
	conn      net.Conn
	asked     int32 // numbers the requests of conn
}

// page is a piece of a partition's log: batches whose transactions are decided.
// The last of them may be cut off.
type page struct {
	batches []byte
	aborted *aborted
}

const (
	pageSize    = 256 << 10 // bytes asked for; a first batch that is larger comes whole
	answerLimit = 32 << 20  // bytes
	// From version 10 on a broker hands out zstd, and from 12 on the encoding
	// is another. Brokers from 2.1 on speak it, those of today included.
	fetchKey, fetchVersion = 1, 10
)

// fetch returns what the log holds from an offset on, and waits at most wait
// for something to be there.
func (f *fetcher) fetch(ctx context.Context, from int64, wait time.Duration) (page, error) {
	p, err := f.ask(ctx, from, wait)
	if err == nil {
		return p, nil
	}
	f.close()
	if errors.Is(err, sarama.ErrOffsetOutOfRange) {
		return page{}, fmt.Errorf("%w: %s/%d is at %d", ErrPosition, f.topic, f.partition, from)
	}
	_ = f.cluster.client.RefreshMetadata(f.topic) // the leader may be another; if this fails, so does the next request
	return page{}, fmt.Errorf("fetch %s/%d from %d: %w", f.topic, f.partition, from, err)
}

// close ends the connection. The next request opens one.
func (f *fetcher) close() {
	if f.conn != nil {
		_ = f.conn.Close() // nothing is held back in it
		f.conn = nil
	}
}

func (f *fetcher) ask(ctx context.Context, from int64, wait time.Duration) (page, error) {
	net := f.cluster.client.Config().Net
	if f.conn == nil {
		if err := f.connect(ctx, net.DialTimeout); err != nil {
			return page{}, err
		}
	}
	conn := f.conn
	if err := conn.SetDeadline(time.Now().Add(wait + net.ReadTimeout)); err != nil {
		return page{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })() // fails only when it is closed
	f.asked++
	if _, err := conn.Write(f.request(from, wait)); err != nil {
		return page{}, err
	}
	var size [4]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return page{}, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > answerLimit {
		return page{}, fmt.Errorf("answer of %d bytes is beyond the limit of %d", n, answerLimit)
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(conn, raw); err != nil {
		return page{}, err
	}
	return f.read(&answer{raw: raw})
}

func (f *fetcher) connect(ctx context.Context, timeout time.Duration) error {
	leader, err := f.cluster.client.Leader(f.topic, f.partition)
	if err != nil {
		return err
	}
	d := net.Dialer{Timeout: timeout}
	f.conn, err = d.DialContext(ctx, "tcp", leader.Addr())
	if err != nil {
		f.conn = nil // an interface that holds nothing is not nil
	}
	return err
}

// request encodes a fetch of one partition, with its length.
func (f *fetcher) request(from int64, wait time.Duration) []byte {
	b := make([]byte, 4, 128)
	text := func(s string) {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	number := func(ns ...int32) {
		for _, n := range ns {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
	}
	b = binary.BigEndian.AppendUint16(b, fetchKey)
	b = binary.BigEndian.AppendUint16(b, fetchVersion)
	number(f.asked)
	text(f.cluster.s.Service)
	const noReplica, anything, committed = -1, 1, 1
	number(noReplica, int32(wait.Milliseconds()), anything, answerLimit)
	b = append(b, committed)
	number(0, -1) // no fetch session
	number(1)
	text(f.topic)
	number(1, f.partition, -1) // whatever the leader's epoch
	b = binary.BigEndian.AppendUint64(b, uint64(from))
	b = binary.BigEndian.AppendUint64(b, ^uint64(0)) // the log's start is a matter between replicas
	number(pageSize)
	number(0) // nothing to forget
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// read decodes the answer to request.
func (f *fetcher) read(a *answer) (page, error) {
	if number := a.int32(); a.err == nil && number != f.asked {
		return page{}, fmt.Errorf("answer to request %d, and %d was asked", number, f.asked)
	}
	a.int32() // throttled: done by the broker
	if code := sarama.KError(a.int16()); a.err == nil && code != sarama.ErrNoError {
		return page{}, code
	}
	a.int32() // fetch session
	topics := a.int32()
	if a.err == nil && topics == 0 {
		return page{}, nil // a broker that throttles answers with nothing, and reads the next request later
	}
	topic := a.text()
	partitions, partition := a.int32(), a.int32()
	code := sarama.KError(a.int16())
	a.int64() // the end,
	a.int64() // the end of what is decided
	a.int64() // and the start of the log
	aborted := a.aborted()
	batches := a.bytes()
	switch {
	case a.err != nil:
		return page{}, a.err
	case topics != 1 || partitions != 1 || topic != f.topic || partition != f.partition:
		return page{}, fmt.Errorf("answer about %s/%d", topic, partition)
	case code != sarama.ErrNoError:
		return page{}, code
	}
	return page{batches: batches, aborted: aborted}, nil
}
