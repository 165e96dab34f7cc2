package engine_test

import (
	"slices"
	"testing"

	"github.com/quintet-eda/quintet/pkg/record"
)

// Each value of a label makes a series, and Prometheus panics at one that is no
// UTF-8. So no label takes a name that a foreign producer chose.
func TestAForeignNameBecomesNoSeries(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	for i, name := range []string{"theirs", "a\nb 1", "a\"} 1", "\xff", "\x00"} {
		r := w.record(Added{Tally: "k", Amount: 1}, string(rune('a'+i)), 0)
		r.Headers = slices.DeleteFunc(r.Headers, func(h record.Header) bool { return h.Name == "ce_type" })
		r.Headers = append(r.Headers, record.Header{Name: "ce_type", Value: name})
		p.send(r)
	}
	p.taken()
	families, err := p.gather.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "quintet_inputs_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "input" && l.GetValue() != "other" && l.GetValue() != (Added{}).EventType() {
					t.Errorf("a series is named %q", l.GetValue())
				}
			}
		}
	}
}
