package explore

import "strings"

// cut reports whether the exploration does not follow a world further. Either a service
// did a thing that must never happen, and does nothing more. Or the stock breaks its
// law, so that inventory handles no record. The consequences are of no interest, and so
// unknown. From there the exploration judges neither whether a path leads to an end, nor
// whether every schedule ends.
func (m *model) cut(v []uint32) bool {
	if !m.scope.open && m.lawless(int32(v[len(v)-1])) {
		return true
	}
	for at := 0; at+services <= len(v)-1; at += services {
		for s := range services {
			if m.parts[s].values[v[at+s]].breach != 0 {
				return true
			}
		}
	}
	return false
}

// anyCut reports whether some world is cut.
func (g *graph) anyCut() bool {
	for n := range g.len() {
		if g.m.cut(g.world(n)) {
			return true
		}
	}
	return false
}

// whereCut describes the cut parts of a world; most worlds have none.
func (m *model) whereCut(v []uint32) string {
	var cuts []string
	if m.lawless(int32(v[len(v)-1])) {
		cuts = append(cuts, "inventory takes no record while the stock is beyond its law")
	}
	for at := 0; at+services <= len(v)-1; at += services {
		for s := range services {
			if m.parts[s].values[v[at+s]].breach != 0 {
				cuts = append(cuts, "the "+serviceNames[s]+" service does nothing after this")
			}
		}
	}
	return strings.Join(cuts, ", and ")
}
