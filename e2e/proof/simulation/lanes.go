package simulation

import (
	"strconv"
	"strings"
)

// row is one of a parked lane, as the database has it.
type row struct {
	n, input       string
	attempts, dead bool  // it was tried; it was given up
	body           int64 // the number of a reminder
}

// parked is the judge's record of lanes: as the last commit left them, and every input
// that was in them.
type parked struct {
	lanes    map[string][]row // by lane and key, oldest first
	ever     map[string]bool  // inputs that were in a lane
	dead     map[string]bool  // those that were given up
	late     map[string]bool  // reminders that were in a lane, by order and number
	followed map[string]bool  // lanes in which something waited behind another
	grew     bool             // by the last commit
}

func newParked() parked {
	return parked{lanes: map[string][]row{}, ever: map[string]bool{}, dead: map[string]bool{}, late: map[string]bool{}, followed: map[string]bool{}}
}

// parkedRows is every row of every lane in a line of its own.
const parkedRows = `(SELECT coalesce(group_concat(line, char(10)), '') FROM (
	SELECT lane || char(9) || key || char(9) || n || char(9) || input_id || char(9) || (attempts > 0) || char(9) || dead || char(9) ||
		CASE WHEN lane LIKE 'timer %' THEN json_extract(CAST(input AS TEXT), '$.body.N') ELSE 0 END AS line
	FROM parked ORDER BY lane, key, n))`

// lanes compares the parked lanes after a commit with the lanes before it. Each input
// that enters is new and enters at the end. Each input that leaves was at the head.
func (j *judge) lanes(text string) {
	now := map[string][]row{}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		lane, r := f[0]+" "+f[1], row{n: f[2], input: f[3], attempts: f[4] == "1", dead: f[5] == "1"}
		r.body, _ = strconv.ParseInt(f[6], 10, 64) // a number of the database's
		now[lane] = append(now[lane], r)
		if strings.HasPrefix(lane, "timer ") {
			j.parked.late[f[1]+" "+f[6]] = true
		}
		if r.dead {
			j.parked.dead[r.input] = true
		}
	}
	for lane, was := range j.parked.lanes {
		left := 0
		for left < len(was) && (len(now[lane]) == 0 || was[left].n != now[lane][0].n) {
			j.left(lane, was[left])
			left++
		}
		for i, r := range was[left:] {
			if i >= len(now[lane]) || now[lane][i].n != r.n {
				j.w.violate("%s left its lane before the one in front of it", r.input)
				break
			}
		}
	}
	j.parked.grew = false
	for lane, rows := range now {
		known := map[string]bool{}
		for _, r := range j.parked.lanes[lane] {
			known[r.n] = true
		}
		for _, r := range rows {
			if !known[r.n] && j.parked.ever[r.input] {
				j.w.violate("%s is parked again", r.input)
			}
			j.parked.grew = j.parked.grew || !known[r.n]
			j.parked.ever[r.input] = true
		}
		if len(rows) > 1 {
			j.parked.followed[lane] = true
		}
	}
	j.parked.lanes = now
}

// left records an input that was handled at last.
func (j *judge) left(lane string, r row) {
	source := "facts"
	if kind, _, of := strings.Cut(lane, " "); of && !strings.Contains(kind, ".") {
		source = kind + "s"
	}
	switch {
	case !r.attempts && j.parked.followed[lane]:
		j.w.seen("parked " + source + " that waited behind another were handled after it")
	case !r.dead:
		j.w.seen("a parked input was handled before its attempts were spent")
	}
}
