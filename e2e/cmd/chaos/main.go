// Command chaos places orders on a composed system with two instances of each service.
// Every few seconds it kills or freezes one of them. It waits until the system is at
// rest, and checks all invariants for every order. When one does not hold, it prints the
// flows of the orders concerned and exits with 1.
//
// With --before it replaces instances instead: those of that version by current ones,
// back, and forward again. It places orders until then.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/quintet-eda/quintet/deploy/local"
	"github.com/quintet-eda/quintet/e2e"
	"github.com/quintet-eda/quintet/e2e/compose"
)

const (
	upBound    = 10 * time.Minute // of bringing the system up; images may have to be built
	judgeBound = 10 * time.Minute // of judging every order
)

type arguments struct {
	Orders    int           `help:"How many orders are placed." default:"10000"`
	For       time.Duration `help:"Time over which they are placed; 0: each as soon as another is acknowledged." default:"5m"`
	Every     time.Duration `help:"How often an instance is killed or frozen." default:"10s"`
	Frozen    time.Duration `help:"How long a frozen one stays so." default:"10s"`
	Rest      time.Duration `help:"How long the system may take to come to rest." default:"3m"`
	Instances int           `help:"Of each service." default:"2"`
	Seed      uint64        `help:"Victims and moments follow from it; 0: any."`
	Before    string        `help:"Version of the images that the run begins with; its instances are replaced, back and forth, and none is frozen."`
	Dir       string        `help:"Directory of docker-compose.yml." default:"." type:"existingdir"`
	Project   string        `help:"Of the composed system. One that runs is used, and left running; else it is brought up, and removed." env:"COMPOSE_PROJECT_NAME"`
	PortBase  int           `help:"All ports follow from it; 0: any that are free." env:"PORT_BASE"`
}

func main() {
	var args arguments
	kong.Parse(&args, kong.Name("chaos"), kong.Description("Kills instances at random under load and checks every order."), kong.UsageOnError())
	if err := run(args); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func run(args arguments) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if args.PortBase == 0 {
		base, release, err := local.ReservePortBase()
		if err != nil {
			return err
		}
		defer release()
		args.PortBase = base
	}
	if args.Project == "" {
		args.Project = fmt.Sprintf("quintet-chaos-%d", args.PortBase)
	}
	for args.Seed == 0 {
		args.Seed = rand.Uint64()
	}
	stack, err := compose.New(compose.Options{Dir: args.Dir, Project: args.Project, PortBase: args.PortBase, Instances: args.Instances, Before: args.Before})
	if err != nil {
		return err
	}
	running, err := stack.Running(ctx)
	if err != nil {
		return errors.Join(err, stack.Close())
	}
	end := stack.Close
	if !running {
		end = stack.Down
	}
	fmt.Fprintf(os.Stdout, "seed %d, project %s, PORT_BASE %d\n", args.Seed, args.Project, args.PortBase)
	if !running {
		err = up(ctx, stack)
	}
	if err == nil {
		err = play(ctx, args, stack)
	}
	return errors.Join(err, end())
}

func up(ctx context.Context, stack *compose.Stack) error {
	ctx, cancel := context.WithTimeout(ctx, upBound)
	defer cancel()
	begun := time.Now()
	if err := stack.Up(ctx); err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "up after %.1f s\n", time.Since(begun).Seconds())
	return nil
}

// play runs orders and faults at the same time, waits for rest, and judges.
func play(ctx context.Context, args arguments, stack *compose.Stack) error {
	world, err := e2e.NewWorld(stack.Target(), stack, e2e.Narrator{Say: func(string, ...any) {}, Show: func(string) {}})
	if err != nil {
		return err
	}
	defer world.Close()
	if err := world.Quiesce(ctx); err != nil {
		return err
	}
	begun := time.Now()
	buyers := newBuyers(world, args)
	var trouble trouble = newFaults(stack, args)
	if args.Before != "" {
		trouble = newUpgrade(stack, buyers, args)
	}
	playing, over := context.WithCancel(ctx)
	defer over()
	go progress(playing, world, buyers, trouble)
	wrecking := make(chan error, 1)
	placed := make(chan struct{})
	go func() { wrecking <- trouble.run(ctx, placed) }()
	err = buyers.run(ctx)
	close(placed)
	if err = errors.Join(err, <-wrecking); err != nil {
		return err
	}
	loaded := time.Now()
	resting, cancel := context.WithTimeout(ctx, args.Rest)
	defer cancel()
	unrest := errors.Join(stack.WaitReady(resting), world.Quiesce(resting))
	over()
	rested := time.Now()
	judging, cancel := context.WithTimeout(ctx, judgeBound)
	defer cancel()
	seen, err := e2e.Look(judging, world.Client, world.Topics, world.Placed(), nil)
	if err != nil {
		return errors.Join(unrest, fmt.Errorf("look at the system: %w", err))
	}
	verdict := errors.Join(unrest, seen.Err())
	figures{world.Placed(), seen, trouble, &buyers.requests, begun, loaded.Sub(begun), rested.Sub(loaded), time.Since(rested)}.print(os.Stdout)
	if verdict != nil {
		flows(os.Stdout, seen, verdict)
	}
	return verdict
}
