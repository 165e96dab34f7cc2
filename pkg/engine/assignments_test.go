package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/engine"
	"github.com/quintet-eda/quintet/pkg/record"
)

// Two members of a group over one database, as rows of one PostgreSQL will be:
// the second takes the partitions over while the first still holds records.
func TestWhatAFormerOwnerStillHoldsIsNotApplied(t *testing.T) {
	w := newWorld(t)
	first := w.start()
	first.add("k", 1, "")
	first.taken()
	held := []*record.Record{w.record(Added{Tally: "k", Amount: 2}, "two", 2), w.record(Added{Tally: "k", Amount: 3}, "three", 3)}

	second := w.start()
	equal(t, "where the second starts", second.claims["feeder.events"].Start, int64(1))
	first.send(held...)
	eventually(t, "the first has handled them as not its own", func() bool { return first.lines.count(`"outcome":"fenced"`) == 2 })
	equal(t, "trail", w.trail("k"), "1")
	equal(t, "marked by the former owner", first.marked.Load(), int64(1))
	eventually(t, "the first is told that it was overtaken", func() bool { return closed(first.claims["feeder.events"].Fenced()) })
	equal(t, "the second is told so", closed(second.claims["feeder.events"].Fenced()), false)

	second.send(held...)
	second.taken()
	equal(t, "trail", w.trail("k"), "1 2 3")
	second.drained()
	inOrder(t, w, 3)
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestACallerThatIsGoneClaimsNothing(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	release := p.hold()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	late := &engine.Assignment{Topic: "feeder.events", Commit: func(int64) {}}
	if err := p.engine.OnAssigned(ctx, []*engine.Assignment{late}); err == nil {
		t.Error("was assigned")
	}
	release()
	p.add("k", 1, "") // under the claim that stands
	p.taken()
	equal(t, "trail", w.trail("k"), "1")
}

func TestReassignmentUnderLoadAppliesOnceInOrder(t *testing.T) {
	w := newWorld(t)
	members := []*process{w.start(), w.start()}
	var records []*record.Record
	for i := range int64(300) {
		records = append(records, w.record(Added{Tally: fmt.Sprintf("k%d", i%5), Amount: i}, fmt.Sprintf("id-%d", i), i/5+1))
	}
	for round := 0; ; round++ {
		p := members[round%2]
		p.assign("feeder.events", "keeper.events") // from the other, which may have a batch under way
		start := p.claims["feeder.events"].Start
		if start == int64(len(records)) {
			break
		}
		p.send(records[start:min(start+40, int64(len(records)))]...)
		if round > 200 {
			t.Fatal("never done")
		}
	}
	for _, p := range members {
		p.stop()
	}
	equal(t, "inbox", w.count("inbox"), "300")
	for k := range int64(5) {
		want := ""
		for i := k; i < 300; i += 5 {
			want += fmt.Sprintf(" %d", i)
		}
		equal(t, "order", " "+w.trail(fmt.Sprintf("k%d", k)), want)
	}
}

func TestATopicThatIsNotTheOneReadBeforeIsRefused(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	was := engine.TopicInfo{Topic: "feeder.events", Partitions: 12, ID: "a"}
	for _, c := range []struct {
		now engine.TopicInfo
		err error
	}{
		{was, nil},
		{was, nil},
		{engine.TopicInfo{Topic: "feeder.events", Partitions: 13, ID: "a"}, engine.ErrTopology},
		{engine.TopicInfo{Topic: "feeder.events", Partitions: 12, ID: "b"}, engine.ErrTopology},
		{was, nil},
	} {
		if err := p.engine.CheckTopics(ctx, []engine.TopicInfo{c.now}); (err == nil) != (c.err == nil) {
			t.Errorf("topology %+v: got %v, want %v", c.now, err, c.err)
		}
	}
}
