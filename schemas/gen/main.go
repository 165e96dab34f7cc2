// Command gen writes the Go types of the contract, events/events.gen.go, from the .avsc
// files. Run it in the schemas folder: go run ./gen
//
// The .avsc files are the master, since readers in other languages share them. Go types
// written by hand would drift from them unnoticed.
package main

import (
	"fmt"
	"os"

	"github.com/quintet-eda/quintet/schemas"
)

func main() {
	if err := run("events/events.gen.go"); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	events, err := schemas.Events(schemas.FS)
	if err != nil {
		return err
	}
	source, err := generate(events)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return fmt.Errorf("write types: %w", err)
	}
	return nil
}
