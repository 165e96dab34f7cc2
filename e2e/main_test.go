package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	. "github.com/quintet-eda/quintet/e2e"
)

// hasty are settings under which the services give up a call within a story.
var hasty = []string{
	"PROVIDER_TIMEOUT=1s", "PROVIDER_ATTEMPTS=4", "PROVIDER_BUDGET=20s",
	"CARRIER_TIMEOUT=1s", "CARRIER_ATTEMPTS=2", "CARRIER_BUDGET=20s",
	"MAIL_TIMEOUT=3s",
}

// playing is the state that all stories share.
var playing struct {
	on        context.Context // ends on SIGINT and SIGTERM
	stage     stage
	bound     time.Duration // of a story and its judgement
	target    Target        // of the latest story
	notPlayed []string
	walked    Walked // the ways of the orders of all stories
	before    *Seen  // the shared system at its last judgement without a violation
	spoiled   string // the story whose judgement found a violation
}

func TestMain(m *testing.M) {
	var err error
	if playing.stage, playing.bound, err = newStage(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var stop func()
	playing.on, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(playing.on, stop) // a second signal skips the clearing up
	code := m.Run()
	if err := lastLook(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	if err := playing.stage.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	report(playing.notPlayed)
	if err := reportWalked(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// reportWalked prints the share of an order's possible ways that the stories produced. It
// requires no share: under load that depends on chance.
func reportWalked() error {
	if playing.walked.Orders() == 0 {
		return nil
	}
	return playing.walked.Report(os.Stdout)
}

// lastLook judges a shared system once more. It requests every order from the services
// again.
func lastLook() error {
	if !playing.stage.shared() || playing.before == nil || playing.spoiled != "" || playing.on.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(playing.on, playing.bound)
	defer cancel()
	w, err := NewWorld(playing.target, nil, Narrator{})
	if err != nil {
		return err
	}
	defer w.Close()
	w.Before = &Seen{Facts: playing.before.Facts}
	return w.Judge(ctx)
}

// play plays a story and judges the system at rest after it. It reports an unplayable
// story by name, with the reason.
func play(t *testing.T, story Story) {
	t.Helper()
	if playing.on.Err() != nil {
		t.Fatal(context.Cause(playing.on))
	}
	opening, cancel := context.WithTimeout(playing.on, 10*time.Minute) // the first time programs or images are built
	defer cancel()
	target, control := playing.stage.open(opening, t)
	playing.target = target
	if reason := story.Unplayable(control); reason != "" {
		// Containers with two instances each satisfy every story's needs. A story
		// left out there would go unnoticed, so it fails.
		if s, composed := playing.stage.(*composeStage); composed && s.Instances > 1 {
			t.Fatalf("%s: not played: %s", story.Name, reason)
		}
		playing.notPlayed = append(playing.notPlayed, fmt.Sprintf("%s: %s", story.Name, reason))
		t.Skipf("%s: not played: %s", story.Name, reason)
	}
	ctx, cancel := context.WithTimeout(playing.on, playing.bound)
	defer cancel()
	tell(ctx, t, target, control, story)
}

func tell(ctx context.Context, t *testing.T, target Target, control Control, story Story) {
	t.Helper()
	begun := time.Now()
	w, err := NewWorld(target, control, Narrator{Say: t.Logf, Show: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if playing.stage.shared() {
		w.Before = playing.before
	}
	err = story.Play(ctx, w)
	played := time.Since(begun)
	if err == nil && playing.spoiled == "" {
		if err = w.Judge(ctx); err == nil {
			err = playing.walked.Add(w.Before)
		}
	}
	playing.before = w.Before
	if playing.on.Err() != nil {
		t.Fatal(context.Cause(playing.on))
	}
	if err != nil {
		t.Errorf("%s: %v", story.Name, err)
		t.Log(confession(t, w, begun))
		recoverFrom(t, w, story, err)
	}
	t.Logf("%s: %d orders, %.1f s, judged in %.1f s", story.Name, len(w.Placed()), played.Seconds(), (time.Since(begun) - played).Seconds())
}

// recoverFrom repairs a shared system for the next story. A violation stays in the
// system: the tests compare later stories with their own ends only.
func recoverFrom(t *testing.T, w *World, story Story, err error) {
	t.Helper()
	if !playing.stage.shared() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
	defer cancel()
	if system, ok := w.Control.(interface{ Up(context.Context) error }); ok {
		if err := system.Up(ctx); err != nil {
			t.Errorf("the system cannot be used any more: %v", err)
		}
	}
	if errors.Is(err, ErrViolated) {
		playing.spoiled = story.Name
		t.Logf("the stories after this one are not judged: %q has left the system in a state that must not be", story.Name)
	}
	if err := w.Mend(ctx, ""); err != nil {
		t.Error(err)
	}
}

// rounds is how often a story repeats a step that takes long with containers.
func rounds(local int) int {
	if playing.stage.shared() {
		return max(local/4, 1)
	}
	return local
}

// confession is the evidence on a failed story: the whole flow of each order with a
// record since the story began, and the end of each process's log.
func confession(t *testing.T, w *World, begun time.Time) string {
	var b strings.Builder
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	facts, err := w.Topics.Read(ctx)
	if err != nil {
		fmt.Fprintf(&b, "the topics cannot be read: %v\n", err)
	}
	const most = 40 // flows: no reader looks at more
	var orders []string
	for _, f := range facts {
		if f.Appended.After(begun) && !slices.Contains(orders, f.Key) {
			orders = append(orders, f.Key)
		}
	}
	for i, order := range orders {
		if i == most {
			fmt.Fprintf(&b, "and %d more orders\n", len(orders)-most)
			break
		}
		_ = Print(&b, slices.DeleteFunc(slices.Clone(facts), func(f Fact) bool { return f.Key != order })) // a builder takes everything
	}
	if w.Control == nil {
		return b.String()
	}
	for _, part := range w.Control.Parts() {
		fmt.Fprintf(&b, "--- the end of %s's log\n%s\n", part, w.Control.Tail(part, 25))
	}
	return b.String()
}
