package kafka

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// aborted reports which batches of a page were aborted. A producer has one transaction
// at a time, and a control record ends it:
//
//	first offset of 7's ─ batches of 7 ─ 7 is aborted ─ batches of 7's next
type aborted struct {
	ahead []kmsg.FetchResponseTopicPartitionAbortedTransaction // transactions that begin further on, in the order of their offsets
	open  map[int64]struct{}                                   // producers in an aborted transaction
}

func newAborted(of []kmsg.FetchResponseTopicPartitionAbortedTransaction) *aborted {
	slices.SortFunc(of, func(a, b kmsg.FetchResponseTopicPartitionAbortedTransaction) int {
		return cmp.Compare(a.FirstOffset, b.FirstOffset)
	})
	return &aborted{ahead: of, open: map[int64]struct{}{}}
}

// drops reports whether no record of a batch is to be delivered. Its caller passes each
// batch of the page, in order.
func (t *aborted) drops(b *batch) (bool, error) {
	for len(t.ahead) > 0 && t.ahead[0].FirstOffset <= b.last {
		t.open[t.ahead[0].ProducerID] = struct{}{}
		t.ahead = t.ahead[1:]
	}
	if !b.control() {
		_, is := t.open[b.producer]
		return is && b.transactional(), nil
	}
	for r, err := range b.records() {
		if err != nil {
			return false, err
		}
		// A control record's key is two numbers of two bytes: its version and its type.
		const abort = "\x00\x00"
		if len(r.Key) < 4 {
			return false, fmt.Errorf("control record of %d bytes", len(r.Key))
		}
		if r.Key[2:4] == abort {
			delete(t.open, b.producer)
		}
	}
	return true, nil
}
