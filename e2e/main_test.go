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

// hasty are settings that let the services run out of patience within a story.
var hasty = []string{
	"PROVIDER_TIMEOUT=1s", "PROVIDER_ATTEMPTS=4", "PROVIDER_BUDGET=20s",
	"CARRIER_TIMEOUT=1s", "CARRIER_ATTEMPTS=2", "CARRIER_BUDGET=20s",
	"MAIL_TIMEOUT=3s",
}

// playing is what all stories have in common.
var playing struct {
	on        context.Context // ends when somebody has seen enough of the stories
	stage     stage
	bound     time.Duration // of a story and its judgement
	target    Target        // of the latest story
	notPlayed []string
	walked    Walked // by the orders of all stories
	before    *Seen  // the system they share, when it was judged last and all was well
	spoiled   string // the story after which it was not
}

func TestMain(m *testing.M) {
	var err error
	if playing.stage, playing.bound, err = newStage(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var stop func()
	playing.on, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(playing.on, stop) // the second time nothing is cleared away
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

// reportWalked prints how much of what can happen to an order the stories have
// made happen. It asks for nothing: under load chance has a say in that.
func reportWalked() error {
	if playing.walked.Orders() == 0 {
		return nil
	}
	return playing.walked.Report(os.Stdout)
}

// lastLook judges a system that the stories have shared once more, and asks the
// services about every order again.
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

// play tells a story and judges the system at rest after it. A story that the
// system cannot be used for is reported by name, with the reason.
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
		// Containers with two instances each have all that any story needs: there
		// a story that is left out would be one that nobody misses.
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

// recoverFrom makes the system fit for the next story, where that is to be
// played on the same one. What was violated stays so: later stories are held
// against their own ends only.
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

// rounds is how often a story repeats what takes long where processes are
// containers.
func rounds(local int) int {
	if playing.stage.shared() {
		return max(local/4, 1)
	}
	return local
}

// confession is everything that helps to see why a story went wrong: the whole
// flow of each order that moved since the story began, and what the processes
// said last.
func confession(t *testing.T, w *World, begun time.Time) string {
	var b strings.Builder
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	facts, err := w.Topics.Read(ctx)
	if err != nil {
		fmt.Fprintf(&b, "the topics cannot be read: %v\n", err)
	}
	const most = 40 // flows that anybody will look at
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
