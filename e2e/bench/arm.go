package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Services are the participants, in the order of the story.
var Services = []string{"order", "inventory", "payment", "shipping", "email"}

// Arm is one way to run the services.
type Arm struct {
	Name  string
	Tells string // its description, for the report
	// Proof is how its orders are checked.
	Proof Proof

	variant
	services []string
	command  func(service string) []string
	// relay is a program that publishes from the logs of the services' databases; empty:
	// the services publish themselves.
	relay string
	// inside measures an arm that is a part of this process, saturated. Such an arm must
	// complete every order.
	inside func(ctx context.Context, s *System, p Plan) (Run, error)
}

// Proof is the kind of check that an arm's orders pass.
type Proof int

const (
	OfAnswers Proof = iota // no service reads accepted orders: one ends with its answer
	OfTopics               // each order completed once; there is no outside world
	OfLedgers              // that, and the ledgers of provider, carrier and mail server
	OfStates               // that, and all invariants of e2e
)

// programs are the places of the arms' programs.
type programs struct {
	bin   string // of the system
	peers string // one program for each peer, with the service as its argument
	self  string // of this command, which is the transport
}

// arms are all arms, by their names in a report.
func (p programs) arms() []Arm {
	ours := func(service string) []string { return []string{filepath.Join(p.bin, service)} }
	itself := func(string) []string { return []string{p.self} }
	all := []Arm{
		{Name: "A", Tells: "ours", Proof: OfStates, services: Services, command: ours},
		{Name: "I", Tells: "intake: from POST to commit, nobody reads", Proof: OfAnswers, services: Services[:1], command: ours},
		{Name: "D", Tells: "database only: the same commits by our engines; topics in memory, no HTTP, no outside world", command: itself, inside: onDatabases},
		{Name: "Y", Tells: "yardstick: a transaction of 100 rows, written to SQLite without any of our code", command: itself, inside: yardOnly},
		{Name: "M", Tells: "reactions and codec only, in memory, one goroutine", command: itself, inside: inMemoryOnly},
		{Name: "T", Tells: "transport only: the same hops and bytes, no database", Proof: OfTopics, services: Services,
			command: func(service string) []string { return []string{p.self, "hop", service} }},
	}
	for _, peer := range []struct{ name, tells, program, flag, relay string }{
		{"W", "Watermill as documented", "watermill", "", ""},
		{"W'", "Watermill tuned", "watermill", "--tuned", ""},
		{"N", "the usual Sarama loop", "naive", "", ""},
		{"C", "that loop, its outbox read from the database's log by Debezium", "naive", "--logged", filepath.Join(p.peers, "debezium")},
		{"U", "unsafe dual write, batched", "unsafe", "", ""},
	} {
		command := []string{filepath.Join(p.peers, peer.program)}
		if peer.flag != "" {
			command = append(command, peer.flag)
		}
		all = append(all, Arm{Name: peer.name, Tells: peer.tells + " (e2e/peers)", Proof: OfLedgers, services: Services, relay: peer.relay,
			command: func(service string) []string { return append(slices.Clone(command), service) }})
	}
	return all
}

// find returns the arms of those names. It leaves out an arm that is not built, and
// reports it.
func (p programs) find(names []string, say func(string, ...any)) ([]Arm, error) {
	byName := map[string]Arm{}
	for _, arm := range p.arms() {
		byName[arm.Name] = arm
	}
	var found []Arm
	for _, name := range names {
		of, v, err := parse(name)
		if err != nil {
			return nil, err
		}
		arm, known := byName[of]
		if !known {
			return nil, fmt.Errorf("there is no arm %q", of)
		}
		arm.Name, arm.variant = name, v
		if v.poison > 0 {
			arm.Proof = OfLedgers // poison stays parked, and the invariants of e2e count that as work left
		}
		if err := arm.built(); err != nil {
			say("arm %s is left out: it is not built (%v)", name, err)
			continue
		}
		found = append(found, arm)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("none of the arms %q is built", names)
	}
	return found, nil
}

// built returns an error when a program or a directory of an arm is missing.
func (a Arm) built() error {
	if _, err := os.Stat(a.command("order")[0]); err != nil || a.relay == "" {
		return err
	}
	_, err := os.Stat(jars(a.relay))
	return err
}
