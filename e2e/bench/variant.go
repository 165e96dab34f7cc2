package bench

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// variant is the difference of an arm's orders, or of their environment, from the usual.
// Its name is the arm's and one dimension: "A lines=8".
type variant struct {
	lines   int // of an order
	hot     int // of a hundred orders, those whose first line is for one article
	poison  int // of a hundred orders, those with an unreadable record beside them
	open    int // open orders when it is saturated
	history int // orders that were completed before
	backlog int // orders that were placed while only the first service ran
	// instances of each service. They share the database, so they run in the real world
	// only.
	instances int
	env       []string
}

// usual is an arm without a dimension.
var usual = variant{lines: 2, open: Outstanding, instances: 1}

// dimension is a quantity with which an order's cost may grow.
type dimension struct {
	name, says string
	usual      int
	most       int
	unit       int // of the slope
	set        func(v *variant, to int)
}

var dimensions = []dimension{
	{"lines", "lines of an order", usual.lines, shelves, 1, func(v *variant, to int) { v.lines = to }},
	{"hot", "orders of a hundred that want one article", 0, 100, 10, func(v *variant, to int) { v.hot = to }},
	{"poison", "records that nobody can read, beside a hundred orders", 0, 100, 1, func(v *variant, to int) { v.poison = to }},
	{"open", "orders under way", Outstanding, 1_000_000, 1000, func(v *variant, to int) { v.open = to }},
	{"history", "orders that were completed before", 0, 1_000_000, 10_000, func(v *variant, to int) { v.history = to }},
	{"backlog", "orders that were placed while nobody else ran", 0, 1_000_000, 10_000, func(v *variant, to int) { v.backlog = to }},
	{"instances", "instances of each service", usual.instances, 16, 1, func(v *variant, to int) { v.instances = to }},
	{"partitions", "partitions of each topic", partitions, 1000, 10, func(v *variant, to int) {
		v.env = []string{fmt.Sprintf("TOPIC_PARTITIONS=%d", to)}
	}},
}

// parse splits the name of an arm into the arm's own name and its variant.
func parse(name string) (arm string, v variant, err error) {
	arm, differs, some := strings.Cut(name, " ")
	if !some {
		return arm, usual, nil
	}
	of, value, _ := strings.Cut(differs, "=")
	if arm != gated {
		return "", v, fmt.Errorf("%q: only %s differs", name, gated)
	}
	i := slices.IndexFunc(dimensions, func(d dimension) bool { return d.name == of })
	if i < 0 {
		return "", v, fmt.Errorf("%q differs in nothing that is known: %s", name, strings.Join(dimensionNames(), ", "))
	}
	d := dimensions[i]
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > d.most || n == 0 && d.usual > 0 {
		return "", v, fmt.Errorf("%q: %s is a number up to %d", name, d.name, d.most)
	}
	v = usual
	d.set(&v, n)
	return arm, v, nil
}

func dimensionNames() (names []string) {
	for _, d := range dimensions {
		names = append(names, d.name)
	}
	return names
}

// at is the value of a dimension in an arm's name, if the name has it. The usual arm has
// the usual value of each dimension.
func (d dimension) at(name string) (value int, lies bool) {
	if name == gated {
		return d.usual, true
	}
	value, err := strconv.Atoi(strings.TrimPrefix(name, gated+" "+d.name+"="))
	return value, err == nil
}
