package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Version is the version of the results' file. It grows when a field changes its meaning.
const Version = 1

// Results are the measurements of one run of the harness. Reports are made from them
// alone.
type Results struct {
	Version  int               `json:"version"`
	Began    time.Time         `json:"began"`
	World    string            `json:"world"`
	Machine  Machine           `json:"machine"`
	Warm     float64           `json:"warmSeconds"`
	For      float64           `json:"windowSeconds"`
	Arms     map[string]string `json:"arms"` // their descriptions
	Runs     []Run             `json:"runs"`
	Failures []Failure         `json:"failures,omitempty"`
}

// Failure is why an arm has no number in a repetition.
type Failure struct {
	Arm        string `json:"arm"`
	Repetition int    `json:"repetition"`
	Reason     string `json:"reason"`
}

// Run is one window of one arm.
type Run struct {
	Arm        string             `json:"arm"`
	Point      string             `json:"point"` // how the orders came
	Repetition int                `json:"repetition"`
	Offered    float64            `json:"offered,omitempty"` // orders a second; 0: as fast as they ended
	Completed  int                `json:"completed"`         // within the window
	Refused    int                `json:"refused"`
	Rate       float64            `json:"rate"` // completed a second
	Latency    Latency            `json:"latencyMillis"`
	Parts      map[string]Part    `json:"parts"`
	Counts     map[string]float64 `json:"counts,omitempty"` // for each order
	// Minutes are the minutes of a long window, the first one first.
	Minutes []Minute `json:"minutes,omitempty"`
	// Kept are the rows of each table at the end, for each order that was placed.
	Kept map[string]float64 `json:"rowsKept,omitempty"`
	// Steps are the uses of each service's CPU, in ms for each order.
	Steps map[string]map[string]float64 `json:"steps,omitempty"`
}

// Latency is from an order's intended start until its end can be seen, in milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Minute is one of a long window.
type Minute struct {
	Rate   float64 `json:"rate"`      // completed a second
	P99    float64 `json:"p99"`       // milliseconds, of the orders that ended in it
	Memory float64 `json:"memoryMiB"` // of the services, at its peak
}

// Part is the cost of one process, or container, for each completed order.
type Part struct {
	CPU    float64 `json:"cpuMillis"`
	Memory float64 `json:"peakMiB"` // not for each order
	Disk   float64 `json:"writtenKiB"`
}

// Read reads results.
func Read(path string) (Results, error) {
	var r Results
	text, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("read results: %w", err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("read results %s: %w", path, err)
	}
	if r.Version != Version {
		return r, fmt.Errorf("read results %s: they are of version %d, not %d", path, r.Version, Version)
	}
	return r, nil
}

// write puts a value into a file as JSON that people can read.
func write(path string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return writeText(path, string(text)+"\n")
}

func writeText(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
