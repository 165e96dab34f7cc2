// Command explore visits every interleaving of the choreography and says which
// properties hold; or it plays one schedule, step by step.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/quintet-eda/quintet/e2e/proof/explore"
)

var (
	errViolated  = errors.New("a property does not hold")
	errOtherwise = errors.New("the mutant fares otherwise than docs/mutants.md says")
)

type arguments struct {
	Quick    bool     `help:"Only the scopes that end within seconds."`
	Scope    []string `help:"Only these scopes, by their names."`
	Replay   string   `help:"A schedule to play: a scope's name, a colon, and steps with semicolons between; none of them yet lists those that can come first." env:"REPLAY"`
	Mutant   string   `help:"A system that is broken on purpose, instead of the production's." env:"MUTANT"`
	Mermaid  bool     `help:"Draw what is played, also a counterexample, as a sequence diagram, too."`
	Mutants  string   `help:"Try every alteration that the operators make of a reaction, and write into this file what catches it; minutes."`
	Document string   `help:"Write what is found in the full scopes into this page, between its markers."`
}

func main() {
	var args arguments
	kong.Parse(&args, kong.Name("explore"), kong.Description("Visits every interleaving of the choreography."), kong.ShortUsageOnError())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, args, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "explore:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args arguments, to io.Writer) error {
	sys, scopes, err := chosen(args)
	switch {
	case err != nil:
		return err
	case args.Document != "":
		return document(ctx, args.Document)
	case args.Mutants != "":
		text, err := explore.Try(ctx, func(format string, a ...any) { fmt.Fprintf(to, format+"\n", a...) })
		if err != nil {
			return err
		}
		return os.WriteFile(args.Mutants, []byte(text), 0o600)
	case args.Replay != "":
		return replay(sys, args, to)
	case args.Mutant != "":
		return broken(ctx, args, scopes, to)
	}
	violated := false
	for _, scope := range scopes {
		r, err := explore.Explore(ctx, sys, scope)
		if err != nil {
			return err
		}
		r.Print(to)
		if r.Violation != nil {
			violated = true
			if err := tell(sys, r.Violation, args, to); err != nil {
				return err
			}
		}
	}
	leftOut(scopes, to)
	if violated {
		return errViolated
	}
	fmt.Fprintln(to, "\nWhat holds:")
	for _, name := range explore.Names() {
		fmt.Fprintln(to, "  "+name)
	}
	return nil
}

// chosen are the system and the scopes that the arguments name: a mutant is
// explored in its own scope.
func chosen(args arguments) (explore.System, []explore.Scope, error) {
	sys, scopes := explore.Production(), explore.Full()
	if args.Quick {
		scopes = explore.Quick()
	}
	if args.Mutant != "" {
		m, err := explore.FindMutant(args.Mutant)
		if err != nil {
			return sys, nil, err
		}
		sys, scopes = m.System(), []explore.Scope{m.Scope}
	}
	if len(args.Scope) > 0 {
		scopes = nil
	}
	for _, name := range args.Scope {
		s, err := explore.Find(name)
		if err != nil {
			return sys, nil, err
		}
		scopes = append(scopes, s)
	}
	return sys, scopes, nil
}

// leftOut says which of the scopes for which the claims are made were not
// explored.
func leftOut(explored []explore.Scope, to io.Writer) {
	var names []string
	for _, s := range explore.Full() {
		if !slices.Contains(explored, s) {
			names = append(names, s.Name)
		}
	}
	if len(names) > 0 {
		fmt.Fprintf(to, "\nLeft out: %s. make explore explores them.\n", strings.Join(names, ", "))
	}
}

// tell plays the shortest way to a violation, and says how to play it again.
func tell(sys explore.System, v *explore.Violation, args arguments, to io.Writer) error {
	fmt.Fprintf(to, "\nViolated, %s: %s.\nThe shortest way there, with how things stand after each step:\n\n", v.Property, v.What)
	if _, err := play(sys, v.Schedule.String(), args.Mermaid, to); err != nil {
		return err
	}
	fmt.Fprintf(to, "\n%s\n\n", explore.Command(args.Mutant, v.Schedule))
	return nil
}

// replay plays the schedule that the arguments have. What a mutant violates is
// what it is there for, if it is the property that the table names.
func replay(sys explore.System, args arguments, to io.Writer) error {
	story, err := play(sys, args.Replay, args.Mermaid, to)
	if err != nil || len(story.Wrong) == 0 {
		return err
	}
	if m, err := explore.FindMutant(args.Mutant); err == nil && story.Violates(m.Property) {
		fmt.Fprintf(to, "\nThe mutant %s violates %q, as docs/mutants.md says.\n", m.Name, m.Property)
		return nil
	}
	return errViolated
}

func play(sys explore.System, text string, draw bool, to io.Writer) (*explore.Story, error) {
	schedule, err := explore.ParseSchedule(text)
	if err != nil {
		return nil, err
	}
	scope, err := explore.Find(schedule.Scope)
	if err != nil {
		return nil, err
	}
	story, err := explore.Replay(sys, scope, schedule)
	if err != nil {
		return nil, err
	}
	story.Print(to)
	if draw {
		fmt.Fprintf(to, "\n%s", story.Mermaid())
	}
	return story, nil
}

func document(ctx context.Context, path string) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text, err := explore.Document(ctx, string(page), explore.Production(), explore.Full())
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o600)
}
