package explore

import (
	"cmp"
	"strings"
)

// check returns the error that each property finds in a world. The views show the
// world's orders afterwards. The next call reuses the returned slice.
func (m *model) check(properties []Property, views []View, v []uint32, steps []step, rest bool) []string {
	if len(m.wrong) != len(properties) {
		m.wrong = make([]string, len(properties))
	}
	clear(m.wrong)
	stock := m.levels.values[v[len(v)-1]]
	ends := int64(0)
	for k := range views {
		o := m.view(&views[k], v[k*services:(k+1)*services])
		resting := rest || m.orderAtRest(v, k, steps)
		if completed(o) {
			ends++
		}
		for i := range properties {
			if p := &properties[i]; m.wrong[i] == "" && p.Always != nil {
				m.wrong[i] = p.Always(o)
			}
		}
		if resting {
			for i, what := range m.checkAtRest(properties, o, [services]uint32(v[k*services:])) {
				m.wrong[i] = cmp.Or(m.wrong[i], what)
			}
		}
	}
	for i := range properties {
		if p := &properties[i]; p.Shelf != nil && !m.scope.open {
			m.wrong[i] = cmp.Or(m.misdelivered(stock), p.Shelf(stock))
		} else if p.ShelfAtRest != nil && rest && !m.scope.open {
			m.wrong[i] = p.ShelfAtRest(stock, ends*m.scope.each())
		}
	}
	return m.wrong
}

// misdelivered: the pieces received since the start are none, or those of the one
// delivery.
func (m *model) misdelivered(stock levels) string {
	for name, l := range stock {
		may := m.scope.May.has(Delivery) && name == sku
		if l.Received < 0 {
			return name
		}
		if n := l.Received - m.began[name].Received; n != 0 && (n != brought || !may) {
			return "more or less was received than was brought: " + levelText(stock)
		}
	}
	return ""
}

// checkAtRest returns the error that each property finds in an order at rest. An order
// at rest is so in every world of another order, so the errors are kept.
func (m *model) checkAtRest(properties []Property, o *View, order [services]uint32) []string {
	wrong, known := m.resting[order]
	if !known {
		wrong = make([]string, len(properties))
		for i, p := range properties {
			if p.AtRest != nil {
				wrong[i] = p.AtRest(o)
			}
		}
		m.resting[order] = wrong
	}
	return wrong
}

// orderAtRest reports whether nothing is open of one of a world's orders.
func (m *model) orderAtRest(v []uint32, k int, steps []step) bool {
	for i := range steps {
		if s := &steps[i]; !s.optional && s.slot >= k*services && s.slot < (k+1)*services {
			return false
		}
	}
	return m.quiet(v[k*services : (k+1)*services])
}

// trap finds a world from which neither an end nor a cut world can be reached: an end
// might come after a cut.
func (g *graph) trap() *Violation {
	marks := make([]uint64, g.len())
	for n, rest := range g.rest {
		if rest || g.m.cut(g.world(n)) {
			marks[n] = 1
		}
	}
	g.backward(marks)
	for n, mark := range marks {
		if mark == 0 {
			return &Violation{Property: NoTrap, What: g.m.open(g.world(n)), Schedule: Schedule{g.m.scope.Name, g.schedule(n)}, States: g.len()}
		}
	}
	return nil
}

// open names the open calls of a trap, a world from which no path leads to an end.
func (m *model) open(v []uint32) string {
	var open []string
	for at := 0; at+services <= len(v)-1; at += services {
		for s := range services {
			for _, c := range m.calls.values[m.parts[s].values[v[at+s]].calls] {
				open = append(open, label(c.Effect)+" is open")
			}
		}
	}
	if len(open) == 0 {
		return "the order never ends"
	}
	return strings.Join(open, ", ")
}
