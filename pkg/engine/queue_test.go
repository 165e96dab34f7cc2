package engine

import (
	"testing"
	"time"
)

func TestOnlyABusyLoopRests(t *testing.T) {
	one, waits := &input{}, &input{canWait: true}
	for name, tt := range map[string]struct {
		inputs []*input
		took   time.Duration
		want   time.Duration
	}{
		"one input":             {[]*input{one}, time.Millisecond, 0},
		"one, and what waited":  {[]*input{waits, one, waits}, time.Millisecond, 0},
		"only what waited":      {[]*input{waits, waits}, time.Millisecond, 0},
		"two inputs":            {[]*input{one, one}, time.Millisecond, 4 * time.Millisecond},
		"two that took long":    {[]*input{one, waits, one}, time.Second, 20 * time.Millisecond},
		"two in a simulation":   {[]*input{one, one}, 0, 0},
		"many, and a fast disk": {make500(one), 100 * time.Microsecond, 400 * time.Microsecond},
	} {
		if got := restAfter(tt.inputs, tt.took); got != tt.want {
			t.Errorf("%s: rests %s, want %s", name, got, tt.want)
		}
	}
}

func make500(in *input) (all []*input) {
	for range 500 {
		all = append(all, in)
	}
	return all
}

// With a share rounded down, 2 of 12 shards would have no owner among 5 instances.
func TestFairSharesLeaveNoShardWithoutOwner(t *testing.T) {
	for instances := 1; instances <= shards+3; instances++ {
		if share := fairShare(instances); share*instances < shards || share > 1 && (share-1)*instances >= shards {
			t.Errorf("%d instances hold up to %d shards each, and there are %d", instances, share, shards)
		}
	}
}
