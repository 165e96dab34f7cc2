package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	. "github.com/quintet-eda/quintet/e2e"
)

func TestARecordThatComesAgainChangesNothing(t *testing.T) { play(t, republished()) }

// republished publishes records again, as a producer may do at any time. No other story
// does that for certain.
func republished() Story {
	return Story{
		Name:  "published again",
		Tells: "Every record of an order whose money went back, and of one that completed, is published twice more: nothing happens twice.",
		Play: func(ctx context.Context, w *World) error {
			orders := map[string]bool{}
			for _, story := range []Story{CarrierRefuses(), HappyPath()} {
				if err := story.Play(ctx, w); err != nil {
					return err
				}
			}
			for _, order := range w.Placed() {
				orders[order] = true
			}
			return errors.Join(w.Quiesce(ctx), again(ctx, w, orders, 2))
		},
	}
}

// again publishes the records of orders as they are, headers and all, in their
// order.
func again(ctx context.Context, w *World, orders map[string]bool, times int) error {
	records, err := recordsOf(ctx, w, orders)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	for range times {
		for _, r := range records {
			if err := client.ProduceSync(ctx, &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}).FirstErr(); err != nil {
				return err
			}
		}
	}
	return nil
}

func recordsOf(ctx context.Context, w *World, orders map[string]bool) ([]*kgo.Record, error) {
	facts, err := w.Topics.Read(ctx)
	if err != nil {
		return nil, err
	}
	want := map[string]bool{}
	from := map[string]map[int32]kgo.Offset{}
	for _, f := range facts {
		if orders[f.Key] {
			want[f.Place()] = true
			if from[f.Topic] == nil {
				from[f.Topic] = map[int32]kgo.Offset{}
			}
			from[f.Topic][f.Partition] = kgo.NewOffset().AtStart()
		}
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Brokers...), kgo.ConsumePartitions(from))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	var records []*kgo.Record
	for len(want) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("%d records still to read: %w", len(want), err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			place := fmt.Sprintf("%s/%d@%d", r.Topic, r.Partition, r.Offset)
			if want[place] {
				delete(want, place)
				records = append(records, r)
			}
		})
	}
	return records, nil
}
