package events_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/schemas/events"
)

func TestOnlyOrderPlacedHasSensitiveFields(t *testing.T) {
	eachGolden(t, every, func(t *testing.T, g golden) {
		var want []string
		if g.event.Name == "OrderPlaced" {
			want = []string{
				"email", "paymentToken", "shippingAddress.city", "shippingAddress.country", "shippingAddress.line1",
				"shippingAddress.line2", "shippingAddress.name", "shippingAddress.postcode",
			}
		}
		if diff := cmp.Diff(want, events.Sensitive(g.event.Type())); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	if got := events.Sensitive("quintet.order.Unheard"); got != nil {
		t.Errorf("an unknown event has %v", got)
	}
}

// What a printer masks must be where the paths say it is.
func TestSensitivePathsLeadIntoTheJSONForm(t *testing.T) {
	text, err := json.Marshal(today()["OrderPlaced.v2"])
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range events.Sensitive(events.OrderPlaced{}.EventType()) {
		v := decodeJSON(t, text)
		for _, name := range strings.Split(path, ".") {
			object, _ := v.(map[string]any)
			v = object[name]
		}
		if s, _ := v.(string); s == "" {
			t.Errorf("%s leads to %v", path, v)
		}
	}
}

// The methods are generated from the schema, and a consumer trusts them blindly.
func TestEachTypeNamesItsEventOwnerAndKey(t *testing.T) {
	values := today()
	eachGolden(t, every, func(t *testing.T, g golden) {
		e := values[g.name].(interface {
			EventType() string
			EventOwner() string
			EventKey() string
		})
		var inJSON struct{ OrderID string }
		if err := json.Unmarshal(g.json, &inJSON); err != nil {
			t.Fatal(err)
		}
		want := []string{g.event.Type(), g.event.Owner, inJSON.OrderID}
		if diff := cmp.Diff(want, []string{e.EventType(), e.EventOwner(), e.EventKey()}); diff != "" {
			t.Errorf("type, owner, key (-want +got):\n%s", diff)
		}
	})
}
