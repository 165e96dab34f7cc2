package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is the resources that a process and all its descendants have used so far.
type usage struct {
	cpu    time.Duration
	memory int64 // bytes, shared pages by their share
	disk   int64 // bytes of pages that became dirty
	asked  int64 // bytes passed to write calls
}

func (u usage) plus(v usage) usage {
	return usage{u.cpu + v.cpu, u.memory + v.memory, u.disk + v.disk, u.asked + v.asked}
}

// tick is the kernel's unit of CPU time for programs, 100 a second on every Linux.
const tick = 10 * time.Millisecond

// process is a line of the process table.
type process struct {
	parent int
	ticks  int64 // its own, and of children that have ended
}

// processes reads the process table. A container's processes are descendants of its first
// one. So they are read like all others, under any version of control groups.
func processes() map[int]process {
	all := map[int]process{}
	paths, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if p, err := parseStat(text); err == nil {
			all[pid] = p
		}
	}
	return all
}

// parseStat reads a process's line. Its name may hold any character, so the fields begin
// after the last parenthesis.
func parseStat(text []byte) (process, error) {
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 15 {
		return process{}, fmt.Errorf("process table: %q", text)
	}
	parent, err := strconv.Atoi(fields[1])
	p := process{parent: parent}
	for _, field := range fields[11:15] { // utime stime cutime cstime
		n, wrong := strconv.ParseInt(field, 10, 64)
		if wrong != nil {
			return process{}, wrong
		}
		p.ticks += n
	}
	return p, err
}

// harness is the name of this process among the parts.
const harness = "bench"

// measure is the usage of each part, by its name.
func measure(parts map[string][]int) map[string]usage {
	table := processes()
	below := map[int][]int{}
	for pid, p := range table {
		below[p.parent] = append(below[p.parent], pid)
	}
	var sum func(pid int) usage
	sum = func(pid int) usage {
		u := usage{
			cpu:    time.Duration(table[pid].ticks) * tick,
			memory: proportional(pid),
			disk:   field(pid, "io", "write_bytes:"),
			asked:  field(pid, "io", "wchar:"),
		}
		for _, child := range below[pid] {
			u = u.plus(sum(child))
		}
		return u
	}
	all := map[string]usage{harness: {cpu: time.Duration(table[os.Getpid()].ticks) * tick}}
	for name, pids := range parts {
		for _, pid := range pids {
			all[name] = all[name].plus(sum(pid))
		}
	}
	return all
}

// proportional is a process's resident memory. A page that n processes share counts for an
// n-th, so PostgreSQL's buffers count once.
func proportional(pid int) int64 { return field(pid, "smaps_rollup", "Pss:") << 10 }

// field is a number that the kernel reports on a process; 0 when it does not.
func field(pid int, file, name string) int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if after, is := strings.CutPrefix(line, name); is {
			n, _ := strconv.ParseInt(strings.Fields(after + " 0")[0], 10, 64)
			return n
		}
	}
	return 0
}

// meter measures the parts over a window.
type meter struct {
	parts   map[string][]int
	from    map[string]usage
	to      map[string]usage
	peak    map[string]int64
	minutes []int64 // the services' memory at its peak, by minute
}

// over waits for the window's ends and reads the memory every second between them.
func (m *meter) over(ctx context.Context, w window) error {
	m.peak = map[string]int64{}
	if err := until(ctx, w.from); err != nil {
		return err
	}
	m.from = measure(m.parts)
	for at := w.from.Add(time.Second); ; at = at.Add(time.Second) {
		last := !at.Before(w.to)
		if last {
			at = w.to
		}
		if err := until(ctx, at); err != nil {
			return err
		}
		m.to = measure(m.parts)
		now := int64(0)
		for name, u := range m.to {
			m.peak[name] = max(m.peak[name], u.memory)
			if slices.Contains(Services, name) {
				now += u.memory
			}
		}
		minute := int((at.Sub(w.from) - 1) / time.Minute) // a window's end is of its last
		if minute == len(m.minutes) {
			m.minutes = append(m.minutes, 0)
		}
		m.minutes[minute] = max(m.minutes[minute], now)
		if last {
			return nil
		}
	}
}

// used are the parts' figures for each of n orders.
func (m *meter) used(n int) map[string]Part {
	all := map[string]Part{}
	for name, to := range m.to {
		from := m.from[name]
		all[name] = Part{
			CPU:    float64((to.cpu - from.cpu).Microseconds()) / 1000 / float64(n),
			Memory: float64(m.peak[name]) / (1 << 20),
			// An upper bound. A page counts with all that becomes dirty with it: 2 MiB for
			// 8 KiB into a log that was filled before. The bytes of write calls include
			// those to sockets.
			Disk: float64(min(to.disk-from.disk, to.asked-from.asked)) / 1024 / float64(n),
		}
	}
	return all
}
