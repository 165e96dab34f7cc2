package bench

// goal is the bound of a number: a lower one where more is better, and else an upper one.
type goal struct {
	says              string
	worlds            []string
	number            func(Results) float64 // 0: an arm that it needs has no number
	more              bool
	required, stretch float64 // a stretch of 0: there is none
}

func ratio(other, point string, number func(Run) float64) func(Results) float64 {
	return func(r Results) float64 {
		return over(r.of(gated, point, number).Median, r.of(other, point, number).Median)
	}
}

func over(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func ofOurs(point string, number func(Run) float64) func(Results) float64 {
	return func(r Results) float64 { return r.of(gated, point, number).Median }
}

// differing is the number of a variant of A, over the usual one's.
func differing(in, point string, number func(Run) float64) func(Results) float64 {
	return func(r Results) float64 {
		return over(r.of(gated+" "+in, point, number).Median, r.of(gated, point, number).Median)
	}
}

// together is the rate of A, over the rate of its parts one after the other.
func together(r Results) float64 {
	sum := 0.0
	for _, part := range []string{"T", "D", "M", "I"} {
		rate := r.of(part, Saturated, rate).Median
		if rate == 0 {
			return 0
		}
		sum += 1 / rate
	}
	return r.of(gated, Saturated, rate).Median * sum
}

func committed(r Run) float64 { return r.Counts["batches committed"] }

const few = "20" // orders a second, for a system with little load

var (
	inReal     = []string{Real}
	inEmbedded = []string{Embedded}
	inBoth     = []string{Embedded, Real}
)

var goals = []goal{
	{"completed/s over N's, the usual loop", inReal, ratio("N", Saturated, rate), true, 8, 20},
	{"completed/s over W's, Watermill as documented", inReal, ratio("W", Saturated, rate), true, 10, 20},
	{"completed/s over W''s, Watermill tuned", inReal, ratio(rival, Saturated, rate), true, 5, 10},
	{"completed/s over U's, the unsafe dual write", inReal, ratio("U", Saturated, rate), true, 0.75, 0.9},
	{"completed/s over T's, the transport alone", inEmbedded, ratio("T", Saturated, rate), true, 0.35, 0.5},
	{"completed/s over T's, the transport alone", inReal, ratio("T", Saturated, rate), true, 0.25, 0.4},
	{"completed/s over 1/(1/T+1/D+1/M+1/I)", inBoth, together, true, 0.8, 0.9},
	{"completed/s where 20 orders of 100 want one article, over the usual", inBoth, differing("hot=20", Saturated, rate), true, 0.8, 0.9},
	{"completed/s with a record that nobody can read beside 100 orders, over the usual", inEmbedded, differing("poison=1", Saturated, rate), true, 0.9, 0.97},
	{"20/s: p99 of the orders beside such records, over the usual", inEmbedded, differing("poison=1", few, tail), false, 1.5, 0},
	{"completed/s while a backlog drains, over the usual", inEmbedded, differing("backlog=20000", Saturated, rate), true, 1, 0},
	{"20/s: p50 over N's", inReal, ratio("N", few, median), false, 0.7, 0.5},
	{"20/s: CPU of all for an order over N's", inReal, ratio("N", few, everything), false, 0.6, 0.4},
	{"p99 at 80 of 100 orders that W' can complete, over the p99 of W'", inReal, ratio(rival, Peer, tail), false, 0.2, 0.05},
	{"half: p99 over the p50 of 20/s", inBoth, func(r Results) float64 {
		return over(r.of(gated, Half, tail).Median, r.of(gated, few, median).Median)
	}, false, 6, 4},
	{"sat: batches committed for an order", inBoth, ofOurs(Saturated, committed), false, 0.2, 0.05},
	{"half: batches committed for an order", inBoth, ofOurs(Half, committed), false, 0.3, 0},
	{"sat: CPU of all for an order, ms", inEmbedded, ofOurs(Saturated, everything), false, 1.3, 0},
	{"sat: CPU of all for an order, ms", inReal, ofOurs(Saturated, everything), false, 2.2, 0},
	{"20/s: CPU of all for an order, ms", inEmbedded, ofOurs(few, everything), false, 8, 0},
	{"20/s: CPU of all for an order, ms", inReal, ofOurs(few, everything), false, 30, 0},
	{"sat: completed/s", inEmbedded, ofOurs(Saturated, rate), true, 1400, 0},
	{"sat: completed/s", inReal, ofOurs(Saturated, rate), true, 900, 0},
	{"half: p99, ms", inBoth, ofOurs(Half, tail), false, 250, 0},
	{"20/s: p99, ms", inBoth, ofOurs(few, tail), false, 40, 0},
	{"memory of the services, MiB", inBoth, ofOurs(Saturated, memory), false, 300, 0},
}

// verdict is the text of a goal's outcome.
func (g goal) verdict(reached float64) string {
	met := func(want float64) bool {
		if g.more {
			return reached >= want
		}
		return reached <= want
	}
	switch {
	case reached == 0:
		return "not measured"
	case g.stretch != 0 && met(g.stretch):
		return "reached, and the stretch"
	case met(g.required):
		return "reached"
	}
	if g.more {
		return "missed: " + digits(over(g.required, reached)) + " times too little"
	}
	return "missed: " + digits(over(reached, g.required)) + " times too much"
}
