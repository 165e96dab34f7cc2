package kafka

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	pageSize  = 256 << 10 // bytes asked for of a partition; a first batch that is larger comes whole
	pagesSize = 4 << 20   // bytes asked for of all of them
	// answerLimit is the maximum size of one answer of a broker, in bytes.
	answerLimit = 32 << 20
	// From version 10 on a broker returns zstd, and from 12 on its answers carry tags.
	// Brokers from 2.3 to those of today support version 11.
	fetchVersion = 11
)

// errTooLarge is returned when an answer is beyond the limit. Its body is not read.
var errTooLarge = fmt.Errorf("answer is beyond the limit of %d bytes", answerLimit)

// connection is a connection to a broker, for fetches. The client returns only decoded
// answers, and drops or skips any batch that it cannot decode. So the fetch is the one
// request that bypasses the client.
type connection struct {
	conn    net.Conn
	format  *kmsg.RequestFormatter
	timeout time.Duration // beyond the time that a broker may wait
	asked   int32         // numbers the requests
}

func dial(ctx context.Context, client sarama.Client, address string) (*connection, error) {
	config := client.Config()
	d := net.Dialer{Timeout: config.Net.DialTimeout}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, format: kmsg.NewRequestFormatter(kmsg.FormatterClientID(config.ClientID)), timeout: config.Net.ReadTimeout}, nil
}

// fetch returns the logs of partitions from their next offsets on. The transactions of
// those batches are decided, and the last batch of a partition may be cut off. The
// broker waits at most wait for a first record. After an error the connection is of no
// use.
func (c *connection) fetch(ctx context.Context, of []*reading, wait time.Duration) ([]kmsg.FetchResponseTopic, error) {
	if err := c.conn.SetDeadline(time.Now().Add(wait + c.timeout)); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { _ = c.conn.SetDeadline(time.Unix(1, 0)) })() // fails only when it is closed
	c.asked++
	if _, err := c.conn.Write(c.format.AppendRequest(nil, request(of, wait), c.asked)); err != nil {
		return nil, err
	}
	var head [8]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[:4])) - 4
	if number := int32(binary.BigEndian.Uint32(head[4:])); number != c.asked || size < 0 {
		return nil, fmt.Errorf("answer of %d bytes to request %d, and %d was asked", size, number, c.asked)
	}
	if size > answerLimit {
		return nil, errTooLarge
	}
	// The body may take timeout again. If ctx has just ended, this deadline may have
	// replaced the one of ctx. So ctx is checked after the call.
	if err := c.conn.SetDeadline(time.Now().Add(c.timeout)); err != nil || ctx.Err() != nil {
		return nil, cmp.Or(ctx.Err(), err)
	}
	raw := make([]byte, size)
	if _, err := io.ReadFull(c.conn, raw); err != nil {
		return nil, err
	}
	return read(raw)
}

func request(of []*reading, wait time.Duration) *kmsg.FetchRequest {
	req := kmsg.NewPtrFetchRequest()
	req.Version = fetchVersion
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = int32(wait.Milliseconds()), 1, pagesSize
	req.IsolationLevel = 1 // committed records only
	req.SessionEpoch = -1  // no fetch session
	for _, r := range of {
		if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != r.assignment.Topic {
			topic := kmsg.NewFetchRequestTopic()
			topic.Topic = r.assignment.Topic
			req.Topics = append(req.Topics, topic)
		}
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes = r.assignment.Partition, r.next, pageSize
		topic := &req.Topics[len(req.Topics)-1]
		topic.Partitions = append(topic.Partitions, p)
	}
	return req
}

// read decodes an answer.
func read(raw []byte) ([]kmsg.FetchResponseTopic, error) {
	answer := kmsg.NewPtrFetchResponse()
	answer.Version = fetchVersion
	if err := answer.ReadFrom(raw); err != nil {
		return nil, err
	}
	if code := sarama.KError(answer.ErrorCode); !errors.Is(code, sarama.ErrNoError) {
		return nil, code
	}
	return answer.Topics, nil
}
