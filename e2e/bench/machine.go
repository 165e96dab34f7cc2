package bench

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Machine is the machine of the measurement, and the durability of acknowledged writes.
type Machine struct {
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	Kernel     string  `json:"kernel"`
	Go         string  `json:"go"`
	Sync       float64 `json:"syncMillis"` // median of writing and syncing 4 KiB
	Durability string  `json:"durability"`
}

// durability is the configuration of the worlds; each is the services' default.
var durability = map[string]string{
	Embedded: "SQLite synchronous=FULL; acks=all to an embedded broker, which keeps what the operating system keeps",
	Real:     "PostgreSQL fsync=on, synchronous_commit=on; Kafka acks=all, one replica, which keeps what the operating system keeps",
}

func thisMachine(world string) (Machine, error) {
	sync, err := syncCost()
	return Machine{
		CPU: line("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(), Kernel: line("/proc/sys/kernel/osrelease", ""),
		Go: runtime.Version(), Sync: sync, Durability: durability[world],
	}, err
}

// line is the first line of a file with that beginning, without it; empty without one.
func line(path, begin string) string {
	text, _ := os.ReadFile(path) // another system has no such file
	for l := range strings.Lines(string(text)) {
		if after, is := strings.CutPrefix(l, begin); is {
			return strings.Trim(after, " \t:\n")
		}
	}
	return ""
}

// syncCost is the time to write and sync 4 KiB. A commit cannot be faster.
func syncCost() (float64, error) {
	const times = 101
	file, err := os.CreateTemp("", "quintet-bench-sync-")
	if err != nil {
		return 0, fmt.Errorf("measure the disk: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // one that stays in the temporary directory does no harm
	defer file.Close()
	block, took := make([]byte, 4096), make([]time.Duration, times)
	for i := range took {
		begun := time.Now()
		if _, err := file.WriteAt(block, 0); err != nil {
			return 0, fmt.Errorf("measure the disk: %w", err)
		}
		if err := file.Sync(); err != nil {
			return 0, fmt.Errorf("measure the disk: %w", err)
		}
		took[i] = time.Since(begun)
	}
	slices.Sort(took)
	return float64(took[times/2].Microseconds()) / 1000, nil
}
