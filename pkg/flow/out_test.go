package flow_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/quintet-eda/quintet/pkg/flow"
)

func TestIDsOfAKeyStandTogether(t *testing.T) {
	older, newer := uuid.Must(uuid.NewV7()).String(), uuid.Must(uuid.NewV7()).String()
	newer = "f" + newer[1:] // by far
	var ids []string
	for _, key := range []string{older, newer} {
		for _, input := range []string{"a", "b", "c"} {
			id := flow.DeriveID(key, input, "order", "order.Placed", 0)
			if u, err := uuid.Parse(id); err != nil || u.Version() != 8 || u.Variant() != uuid.RFC4122 {
				t.Errorf("%s: %v", id, err)
			}
			if !strings.HasPrefix(id, key[:13]) {
				t.Errorf("%s of %s begins otherwise", id, key)
			}
			ids = append(ids, id)
		}
	}
	slices.Sort(ids[:3])
	slices.Sort(ids[3:])
	if !slices.IsSorted(ids) || len(slices.Compact(ids)) != 6 {
		t.Errorf("%v", ids)
	}
}

// The version before names the same things by them.
func TestIDsWithoutAUUIDForKeyStay(t *testing.T) {
	const want = "dc2ff491-e017-5d6d-aeee-96e69e52020f"
	for _, key := range []string{"", "sku/apple"} {
		if got := flow.DeriveID(key, "default", "command", "k", 0); got != want {
			t.Errorf("key %q: got %s, want %s", key, got, want)
		}
	}
}
