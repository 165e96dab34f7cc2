package flow

// departed remembers what was done with while the table was being read. What a
// reading found may be over when it is taken in:
//
//	row 7 is read ─ row 7 is acknowledged and deleted ─ what was read is queued
//
// Queued again, 7 would be published a second time, or called. Consumers absorb
// that, but it need not be. Its owner's lock guards it.
type departed struct {
	readings int
	ids      map[string]struct{}
}

func (d *departed) begin() {
	if d.readings++; d.ids == nil {
		d.ids = map[string]struct{}{}
	}
}

func (d *departed) end() {
	if d.readings--; d.readings == 0 {
		clear(d.ids)
	}
}

func (d *departed) note(id string) {
	if d.readings > 0 {
		d.ids[id] = struct{}{}
	}
}

func (d *departed) has(id string) bool {
	_, gone := d.ids[id]
	return gone
}
