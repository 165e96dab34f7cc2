package flowdoc_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/e2e/history"
	"github.com/quintet-eda/quintet/e2e/proof/flowdoc"
)

// Two who study the same choreography in different ways, one by playing it and
// one by its participants alone, find the same.
func TestTheExplorerAndTheProtocolKnowTheSameLogs(t *testing.T) {
	known, err := history.All()
	if err != nil {
		t.Fatal(err)
	}
	protocol, err := flowdoc.Study(flowdoc.Production())
	if err != nil {
		t.Fatal(err)
	}
	explored, studied := map[string]bool{}, map[string]bool{}
	for _, events := range known.List() {
		explored[set(moves(events))] = true
	}
	for _, log := range protocol.Logs() {
		slices.Sort(log)
		studied[strings.Join(log, " ")] = true
	}
	if diff := cmp.Diff(studied, explored); diff != "" {
		t.Errorf("complete logs (-by the protocol +by the explorer):\n%s", diff)
	}
}

func set(events []history.Event) string {
	var names []string
	for _, e := range events {
		names = append(names, e.Type[strings.LastIndexByte(e.Type, '.')+1:])
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// The stories of docs/flow.md are ways that the explorer knows. A diagram shows
// an event at each who hears it, and not the mails' ends.
func TestTheDrawnStoriesAreKnownWays(t *testing.T) {
	known, err := history.All()
	if err != nil {
		t.Fatal(err)
	}
	sequences := map[string]bool{}
	for _, events := range known.List() {
		told := map[string][]string{}
		for _, e := range moves(events) {
			told[e.Owner] = append(told[e.Owner], e.Type[strings.LastIndexByte(e.Type, '.')+1:])
		}
		sequences[fmt.Sprint(told)] = true
	}
	document, err := flowdoc.Document()
	if err != nil {
		t.Fatal(err)
	}
	_, stories, _ := strings.Cut(document, "\n## Stories\n")
	drawn := strings.Split(stories, "\n### ")[1:]
	for _, story := range drawn {
		name, diagram, _ := strings.Cut(story, "\n")
		told := map[string][]string{}
		for line := range strings.Lines(diagram) {
			from, rest, arrow := strings.Cut(strings.TrimSpace(line), "-->>")
			_, event, _ := strings.Cut(rest, ": ")
			if arrow && from != "outside" && !slices.Contains(told[from], event) {
				told[from] = append(told[from], event)
			}
		}
		if !sequences[fmt.Sprint(told)] {
			t.Errorf("%s: nobody has explored %v", name, told)
		}
	}
	if len(drawn) < 9 {
		t.Errorf("docs/flow.md has %d stories", len(drawn))
	}
}

// moves are what was told of an order, without what its customer was told.
func moves(events []history.Event) []history.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e history.Event) bool { return e.Owner == "email" })
}
