// Command flowdoc writes docs/flow.md, docs/mutants.md, the tables of the services'
// READMEs, and the histories that the stories know.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/quintet-eda/quintet/e2e/proof/explore"
	"github.com/quintet-eda/quintet/e2e/proof/flowdoc"
)

func main() {
	if err := run(filepath.Join("..", "..")); err != nil {
		fmt.Fprintln(os.Stderr, "flowdoc:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	document, err := flowdoc.Document()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "flow.md"), []byte(document), 0o600); err != nil {
		return err
	}
	mutants, err := explore.Table(context.Background())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "mutants.md"), []byte(mutants), 0o600); err != nil {
		return err
	}
	known, err := explore.Histories(context.Background(), explore.Production())
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "e2e", "history", "known.txt"), []byte(known.String()), 0o600); err != nil {
		return err
	}
	for _, s := range flowdoc.Services() {
		path := filepath.Join(root, "services", s, "README.md")
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		with, err := flowdoc.Insert(string(text), s)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(with), 0o600); err != nil {
			return err
		}
	}
	return nil
}
