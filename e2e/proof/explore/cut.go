package explore

import "strings"

// cut reports whether a world is not followed further: a service did what must
// never happen, and does nothing more, or the stock is beyond its law, so that
// inventory takes no record. What would come of it then is of no interest, and
// so it is not known: whether an end can still be reached, or whether it goes on
// for ever, is not judged from there.
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

// anyCut reports whether some world is not followed further.
func (g *graph) anyCut() bool {
	for n := range g.len() {
		if g.m.cut(g.world(n)) {
			return true
		}
	}
	return false
}

// whereCut tells what of a world is not followed further; nothing of most.
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
