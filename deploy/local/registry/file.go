package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/quintet-eda/quintet/schemas/compat"
)

// change is one line of the file. It records an event, never a state; the state is the
// sum of the lines.
type change struct {
	Op        string       `json:"op"` // register, delete, config
	Subject   string       `json:"subject,omitempty"`
	Versions  []int        `json:"versions,omitempty"`  // register: the one; delete: those deleted
	ID        int          `json:"id,omitempty"`        // register
	Schema    string       `json:"schema,omitempty"`    // register: the text as it came
	Permanent bool         `json:"permanent,omitempty"` // delete
	Level     compat.Level `json:"level,omitempty"`     // config: empty removes the subject's (or the global) level
}

// openFile reads the changes so far and opens the file for more.
//
// A last line without its line break was being written when the process was killed or
// the power failed. The registry never answered it, since the answer waits for the
// sync. So the line is cut off. Any other line that is not a change is damage, and an
// error.
func openFile(path string) (*os.File, []change, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, nil, fmt.Errorf("create directory of %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644)
	if err != nil {
		return nil, nil, fmt.Errorf("open schemas: %w", err)
	}
	changes, err := readChanges(file)
	if err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	return file, changes, nil
}

func readChanges(file *os.File) ([]change, error) {
	text, err := os.ReadFile(file.Name())
	if err != nil {
		return nil, err
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	if err := file.Truncate(int64(whole)); err != nil {
		return nil, err
	}
	var changes []change
	for n, line := range bytes.Split(text[:whole], []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		var c change
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func appendChange(file *os.File, c change) error {
	line, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write change: %w", err)
	}
	before, err := file.Stat()
	if err != nil {
		return fmt.Errorf("write change: %w", err)
	}
	_, err = file.Write(append(line, '\n'))
	if err == nil {
		err = file.Sync()
	}
	if err != nil {
		_ = file.Truncate(before.Size()) // half a line would run into the next one, a whole one apply at the next start
		return fmt.Errorf("write change: %w", err)
	}
	return nil
}
