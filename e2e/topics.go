package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/pkg/registry"
	"github.com/quintet-eda/quintet/schemas"
)

// ErrNoHistory is returned when the topics have no record about an order.
var ErrNoHistory = errors.New("no topic has a record of this order")

// Topics reads the system's topics, as a tool of any team would: by the schemas in the
// registry, without any service's code. It is safe for concurrent use.
type Topics struct {
	// ShowPersonal leaves personal and payment data unmasked. They are masked otherwise.
	ShowPersonal bool

	brokers  []string
	codec    *registry.Codec
	versions map[string]int // by fingerprint
}

// OpenTopics prepares to read the topics of the system at t. It sends no request yet.
func OpenTopics(t Target) (*Topics, error) {
	contract, err := registry.Load(schemas.FS)
	if err != nil {
		return nil, fmt.Errorf("open topics: %w", err)
	}
	versions := map[string]int{}
	for _, s := range contract.Schemas() {
		versions[s.Fingerprint] = s.Version
	}
	codec := registry.NewCodec(contract, registry.NewClient(t.Registry, 3*time.Second), "")
	return &Topics{brokers: t.Brokers, codec: codec, versions: versions}, nil
}

// topicNames are all topics of the system.
func topicNames() []string {
	var names []string
	for _, s := range serviceNames {
		names = append(names, s+".events", s+".dead-letter")
	}
	return names
}

// Read returns every record that is on the topics now, sorted by topic, partition and
// offset.
func (t *Topics) Read(ctx context.Context) ([]Fact, error) {
	var facts []Fact
	if err := t.Each(ctx, func(f Fact) { facts = append(facts, f) }); err != nil {
		return nil, err
	}
	slices.SortStableFunc(facts, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return facts, nil
}

// Each calls take with every record that is on the topics now, and keeps none. The
// records of a partition come in their order. Partitions have no order between them.
func (t *Topics) Each(ctx context.Context, take func(Fact)) error {
	client, err := t.connect()
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()              // reading leaves nothing to lose
	begin, err := offsets(client, sarama.OffsetOldest) // not 0: a log may have lost its beginning
	if err != nil {
		return err
	}
	ends, err := offsets(client, sarama.OffsetNewest)
	if err != nil {
		return err
	}
	for p, first := range begin {
		if ends[p] <= first {
			delete(begin, p) // it is empty: waiting for its last record would never end
		}
	}
	want := len(begin)
	bounded, stop := context.WithCancel(ctx)
	defer stop()
	records, err := t.consume(bounded, client, begin)
	if err != nil {
		return err
	}
	for want > 0 {
		select {
		case m := <-records:
			p := partition{m.Topic, m.Partition}
			if m.Offset >= ends[p] {
				continue // appended since the ends were asked for
			}
			take(t.decode(ctx, m))
			if m.Offset == ends[p]-1 {
				want--
			}
		case <-ctx.Done():
			return fmt.Errorf("read topics: %w", context.Cause(ctx))
		}
	}
	return nil
}

// History returns every record about one order. It fails with [ErrNoHistory] without
// any.
func (t *Topics) History(ctx context.Context, order string) ([]Fact, error) {
	all, err := t.Read(ctx)
	if err != nil {
		return nil, err
	}
	own := slices.DeleteFunc(all, func(f Fact) bool { return f.Key != order })
	if len(own) == 0 {
		return nil, fmt.Errorf("history of order %q: %w", order, ErrNoHistory)
	}
	return own, nil
}

// Follow delivers every record that is appended after Follow returned, until ctx ends.
// Then it closes the channel. Partitions have no order between them.
func (t *Topics) Follow(ctx context.Context) (<-chan Fact, error) {
	client, err := t.connect()
	if err != nil {
		return nil, err
	}
	from, err := offsets(client, sarama.OffsetNewest)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	records, err := t.consume(ctx, client, from)
	if err != nil {
		return nil, errors.Join(err, client.Close())
	}
	facts := make(chan Fact)
	go func() {
		defer func() { _ = client.Close() }() // reading leaves nothing to lose
		defer close(facts)
		for {
			select {
			case m := <-records:
				select {
				case facts <- t.decode(ctx, m):
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return facts, nil
}

// decode reads a record by its writer's schema. An unreadable record is a fact all the
// same: its frame has most of it.
func (t *Topics) decode(ctx context.Context, m *sarama.ConsumerMessage) Fact {
	f, dataSchema := newFact(m)
	w, err := t.codec.Writer(ctx, m.Value, dataSchema)
	if err == nil && f.Dead == nil && w.Topic() != "" && w.Topic() != m.Topic {
		err = fmt.Errorf("its schema's id stands for %s, which belongs on %s", w.Name(), w.Topic())
	}
	if err == nil {
		f.Type = cmp.Or(f.Type, w.Name())
		f.SchemaVersion = t.versions[w.Schema().Fingerprint]
		var text []byte
		if text, err = w.JSON(); err == nil {
			f.Fields, err = readFields(text)
		}
	}
	if err != nil {
		f.Unreadable = err.Error()
	}
	if !t.ShowPersonal {
		hide(f.Type, f.Fields)
	}
	return f
}
