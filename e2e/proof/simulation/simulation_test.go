package simulation

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/registry"
)

var (
	seeds = flag.Int("seeds", 40, "how many seeds to play")
	from  = flag.Uint64("from", 1, "the first of them")
	only  = flag.Uint64("seed", 0, "play this one and tell every step")
)

// enough is how many seeds are asked to have walked each rare path often.
const (
	enough = 2000
	often  = 20
)

func codecs(t *testing.T) map[string]*registry.Codec {
	t.Helper()
	cs := map[string]*registry.Codec{}
	for _, owner := range []string{"till", "shop", "room"} {
		cs[owner] = flowtest.Codec(t, contract(), owner)
	}
	return cs
}

// inMemory is a directory on a file system in memory, where there is one.
func inMemory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "simulation") //nolint:usetesting // where TempDir is on a disk this is not
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func play(t *testing.T, seed uint64, cs map[string]*registry.Codec, story io.Writer) (r Report) {
	t.Helper()
	dir := inMemory(t)
	synctest.Test(t, func(*testing.T) { r = Run(seed, dir, cs, story) })
	_ = os.RemoveAll(dir)
	return r
}

func failed(t *testing.T, r Report) {
	t.Helper()
	t.Errorf("%s\nreplay it: cd e2e/proof && go test ./simulation -run 'TestNothingIsLost' -seed=%d", r, r.Seed)
}

func TestNothingIsLostDuplicatedOrReordered(t *testing.T) {
	cs := codecs(t)
	if *only != 0 {
		r := play(t, *only, cs, t.Output())
		if len(r.Violations) > 0 {
			failed(t, r)
		}
		fmt.Fprintln(t.Output(), r)
		return
	}
	began := time.Now()
	var mu sync.Mutex
	walked, steps := map[string]int{}, 0
	var wrong atomic.Bool // one seed to replay is enough
	workers := uint64(runtime.GOMAXPROCS(0))
	t.Run("seeds", func(t *testing.T) {
		for w := range workers {
			t.Run(fmt.Sprint("worker ", w), func(t *testing.T) {
				t.Parallel()
				for seed := *from + w; seed < *from+uint64(*seeds) && !wrong.Load(); seed += workers {
					r := play(t, seed, cs, nil)
					if len(r.Violations) > 0 {
						wrong.Store(true)
						failed(t, r)
					}
					mu.Lock()
					for path, n := range r.Rare {
						walked[path] += n
					}
					steps += r.Steps
					mu.Unlock()
				}
			})
		}
	})
	for _, path := range slices.Sorted(maps.Keys(Rare())) {
		fmt.Fprintf(t.Output(), "%7d  %s\n", walked[path], cmp.Or(Rare()[path], path))
	}
	missing := Missing(walked, often)
	fmt.Fprintf(t.Output(), "%d seeds, %d steps, %s; %d of %d rare paths were walked less than %d times, which is asked of %d seeds and more\n",
		*seeds, steps, time.Since(began).Round(time.Second), len(missing), len(Rare()), often, enough)
	switch {
	case t.Failed():
	case len(missing) > 0 && *seeds >= enough:
		t.Errorf("inconclusive: walked less than %d times: %q", often, missing)
	default:
		fmt.Fprintln(t.Output(), "nothing was lost, done twice or out of order")
	}
}

func TestASeedReplaysExactly(t *testing.T) {
	cs := codecs(t)
	for seed := uint64(1); seed <= 8; seed++ {
		first := play(t, seed, cs, nil)
		if again := play(t, seed, cs, nil); again.Hash != first.Hash || again.Steps != first.Steps {
			t.Errorf("seed %d took %d steps, and %d when it was replayed, and not the same ones", seed, first.Steps, again.Steps)
		}
	}
}
