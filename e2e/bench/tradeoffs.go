package bench

import (
	"fmt"
	"os"
	"strings"
)

// Tradeoffs is the README's table: a choice of this system, its alternative, and the
// measured effect. Rows whose arms have no number are left out.
func Tradeoffs(embedded, real, growth Results) string {
	var b strings.Builder
	row := func(here, instead, says string, figures ...float64) {
		args := make([]any, len(figures))
		for i, f := range figures {
			if f == 0 {
				return
			}
			args[i] = digits(f)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", here, instead, fmt.Sprintf(says, args...))
	}
	b.WriteString("| here | instead of | measured |\n|---|---|---|\n")
	row("one transaction for a batch of inputs", "one for each record", "%s times the orders/s of the usual loop; at 20 orders/s %s times its p50 and %s times its CPU",
		ratio("N", Saturated, rate)(real), ratio("N", few, median)(real), ratio("N", few, everything)(real))
	row("our kit", "Watermill, as documented and tuned", "%s and %s times its orders/s", ratio("W", Saturated, rate)(real), ratio("W'", Saturated, rate)(real))
	row("an outbox in the same transaction", "writing to database and broker, one after the other", "%s times the orders/s: the price of losing nothing", ratio("U", Saturated, rate)(real))
	row("a database under each service", "transport alone", "%s times the orders/s", ratio("T", Saturated, rate)(real))
	row("a lane that parks", "a topic for retries", "a record in a hundred that nobody can read: %s times the orders/s, %s times the p99 of the others",
		differing("poison=1", Saturated, rate)(embedded), differing("poison=1", few, tail)(embedded))
	row("a lock for each order, a lease for each shard", "one owner of a key", "two instances of each service on the same two cores: %s times the orders/s of one", differing("instances=2", Saturated, rate)(growth))
	row("Kafka and PostgreSQL", "`make run`, which has neither", "%s orders/s in place of %s; %s ms of CPU an order in place of %s",
		ofOurs(Saturated, rate)(real), ofOurs(Saturated, rate)(embedded), ofOurs(Saturated, everything)(real), ofOurs(Saturated, everything)(embedded))
	return b.String()
}

// The lines of the README between which the table stands.
const (
	tradeoffsBegin = "<!-- written by `make ledger` -->\n"
	tradeoffsEnd   = "<!-- so far -->\n"
)

// Readme is the README's text with the table in its place.
func Readme(text, table string) (string, error) {
	before, rest, begins := strings.Cut(text, tradeoffsBegin)
	_, after, ends := strings.Cut(rest, tradeoffsEnd)
	if !begins || !ends {
		return "", fmt.Errorf("README.md lacks %q and %q: %w", tradeoffsBegin, tradeoffsEnd, os.ErrNotExist)
	}
	return before + tradeoffsBegin + table + tradeoffsEnd + after, nil
}
