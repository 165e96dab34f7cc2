// Command demo plays the stories on a running system and prints each order's flow as it
// happens. It judges the system at rest. It stops no process and leaves no fault behind,
// so it can be repeated.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/alecthomas/kong"

	"github.com/quintet-eda/quintet/e2e"
)

// storyBound is how long a story may take. With the services' default timeouts the
// longest takes half a minute.
const storyBound = 2 * time.Minute

// lookBound is how long the first judgement may take: it requests every order that ever
// existed from every service.
const lookBound = 10 * time.Minute

var errWrong = errors.New("not every story ended as it should")

func main() {
	var args struct {
		PortBase int `help:"Where the system is; all ports follow from it." env:"PORT_BASE" default:"8000"`
	}
	kong.Parse(&args, kong.Name("demo"), kong.Description("Plays the stories against a running system."), kong.UsageOnError())
	if err := run(args.PortBase); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(portBase int) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	target, err := e2e.Find(ctx, portBase)
	if err != nil {
		return err
	}
	topics, err := e2e.OpenTopics(target)
	if err != nil {
		return err
	}
	facts, err := topics.Follow(ctx)
	if err != nil {
		return fmt.Errorf("is the system running at PORT_BASE=%d? %w", portBase, err)
	}
	screen := newScreen(os.Stdout)
	go screen.follow(facts)
	screen.title("Quintet, story by story", "Every event by its service, with the time since its cause in milliseconds.\n"+e2e.Legend)

	d := demo{target: target, screen: screen}
	screen.say("waiting until the system is at rest, to look whether it is as it should be")
	if err := d.judge(ctx); err != nil {
		return fmt.Errorf("before the first story (a system begins anew after make clean, or docker compose down -v): %w", err)
	}
	begun, wrong := time.Now(), 0
	stories := e2e.Gentle()
	for i, story := range stories {
		screen.title(fmt.Sprintf("%d/%d  %s", i+1, len(stories), story.Name), story.Tells)
		err := d.play(ctx, story)
		if err != nil {
			wrong++
			screen.say("WRONG: %v", err)
		}
		if errors.Is(err, e2e.ErrViolated) {
			return fmt.Errorf("%w: the stories after this one are not played, since each would be told the same", errWrong)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	screen.title("The verdict", fmt.Sprintf("%d stories in %.0f s, %d of them wrong.", len(stories), time.Since(begun).Seconds(), wrong))
	if wrong > 0 {
		return errWrong
	}
	return nil
}

// demo plays on a system that others may have used before.
type demo struct {
	target e2e.Target
	screen *screen
	before *e2e.Seen // the system at its last judgement without a violation
}

// judge checks the system before the first story. Otherwise every story would report the
// violations from before.
func (d *demo) judge(ctx context.Context) error {
	return d.with(ctx, lookBound, func(ctx context.Context, world *e2e.World) error {
		ctx, cancel := context.WithTimeout(ctx, storyBound)
		defer cancel()
		return world.Quiesce(ctx)
	})
}

// play plays one story and judges the system at rest after it. That verdict covers
// every order that the system ever had, not this story's only.
func (d *demo) play(ctx context.Context, story e2e.Story) error {
	begun := time.Now()
	if err := d.with(ctx, storyBound, story.Play); err != nil {
		return err
	}
	d.screen.say("as it should be after %.1f s: the system is at rest, and all invariants hold", time.Since(begun).Seconds())
	return nil
}

// with calls do with a world, and judges the system at rest after it.
func (d *demo) with(ctx context.Context, bound time.Duration, do func(context.Context, *e2e.World) error) error {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	world, err := e2e.NewWorld(d.target, nil, e2e.Narrator{Say: d.screen.say, Show: d.screen.show})
	if err != nil {
		return err
	}
	defer world.Close()
	world.Before = d.before
	if err := do(ctx, world); err != nil {
		return err
	}
	if err := world.Judge(ctx); err != nil {
		return err
	}
	d.before = world.Before
	return nil
}
