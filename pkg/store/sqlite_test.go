package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/quintet-eda/quintet/pkg/store"
)

func TestOnlyOneProcessHasTheFileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	first, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), path); !errors.Is(err, store.ErrInUse) {
		t.Fatalf("second open: got %v, want %v", err, store.ErrInUse)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if again.Shared() {
		t.Error("a file that one process has open is said to be shared")
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
