package schemas_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro"

	"github.com/quintet-eda/quintet/schemas"
)

func allEvents(t *testing.T) []schemas.Event {
	t.Helper()
	events, err := schemas.Events(schemas.FS)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// eachVersion runs a test for every version of every event.
func eachVersion(t *testing.T, test func(t *testing.T, e schemas.Event, root *avro.SchemaNode)) {
	t.Helper()
	for _, e := range allEvents(t) {
		for n, version := range e.Versions {
			t.Run(fmt.Sprintf("%s/v%d", e.Type(), n+1), func(t *testing.T) {
				schema, err := avro.Parse(version)
				if err != nil {
					t.Fatal(err)
				}
				test(t, e, schema.Root())
			})
		}
	}
}

// eachRecord visits a record and the records inside it; path leads to it.
func eachRecord(n *avro.SchemaNode, path string, visit func(path string, n *avro.SchemaNode)) {
	if n == nil {
		return
	}
	if n.Type == "record" || n.Type == "enum" {
		visit(path, n)
	}
	for i := range n.Fields {
		eachRecord(&n.Fields[i].Type, path+"."+n.Fields[i].Name, visit)
	}
	for i := range n.Branches {
		eachRecord(&n.Branches[i], path, visit)
	}
	eachRecord(n.Items, path, visit)
}

func TestTheContractHoldsTheseEvents(t *testing.T) {
	got := map[string]int{}
	for _, e := range allEvents(t) {
		got[e.Type()] = len(e.Versions)
	}
	want := map[string]int{
		"quintet.order.OrderPlaced": 2, "quintet.order.CancellationRequested": 1, "quintet.order.OrderCompleted": 1, "quintet.order.OrderCancelled": 1,
		"quintet.inventory.StockReserved": 1, "quintet.inventory.StockRejected": 1, "quintet.inventory.StockReleased": 1,
		"quintet.payment.PaymentProcessed": 1, "quintet.payment.PaymentFailed": 1, "quintet.payment.PaymentRefunded": 1,
		"quintet.shipping.ShipmentCreated": 1, "quintet.shipping.ShipmentFailed": 1,
		"quintet.email.NotificationSent": 1, "quintet.email.NotificationFailed": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events and number of versions (-want +got):\n%s", diff)
	}
}

func TestEveryFileBelongsToAnEventExceptTheReasons(t *testing.T) {
	known := map[string]bool{"Reason.avsc": true}
	for _, e := range allEvents(t) {
		for n := range e.Versions {
			known[fmt.Sprintf("%s/%s/v%d.avsc", e.Owner, e.Name, n+1)] = true
		}
	}
	err := fs.WalkDir(schemas.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !known[path] {
			t.Errorf("%s is no version of an event", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAGapBetweenVersionsIsRefused(t *testing.T) {
	_, err := schemas.Events(fstest.MapFS{"shop/Sold/v1.avsc": {}, "shop/Sold/v3.avsc": {}})
	if err == nil || !strings.Contains(err.Error(), "version 2 of 2 of shop/Sold") {
		t.Errorf("want an error that names version 2, got %v", err)
	}
}

func TestTheFolderNamesTheOwnerAndTheEvent(t *testing.T) {
	eachVersion(t, func(t *testing.T, e schemas.Event, root *avro.SchemaNode) {
		if got := root.Namespace + "." + root.Name; got != e.Type() {
			t.Errorf("record is %s, its folder says %s", got, e.Type())
		}
	})
}

func TestTheOrderIsTheFirstFieldAndTheOnlyKey(t *testing.T) {
	eachVersion(t, func(t *testing.T, _ schemas.Event, root *avro.SchemaNode) {
		if f := root.Fields[0]; f.Name != "orderId" || f.Type.Type != "string" || f.Props["key"] != true {
			t.Errorf("first field is %s %s with %v, want the string orderId as key", f.Name, f.Type.Type, f.Props)
		}
		for _, f := range root.Fields[1:] {
			if f.Props["key"] != nil {
				t.Errorf("%s is marked as a second key", f.Name)
			}
		}
	})
}

func TestEveryTypeAndFieldIsExplained(t *testing.T) {
	eachVersion(t, func(t *testing.T, _ schemas.Event, root *avro.SchemaNode) {
		eachRecord(root, "", func(path string, n *avro.SchemaNode) {
			if n.Doc == "" {
				t.Errorf("%s %s%s has no doc", n.Type, n.Name, path)
			}
			for _, symbol := range n.Symbols {
				if !strings.Contains(n.Doc, symbol+": ") {
					t.Errorf("doc of enum %s does not explain %s", n.Name, symbol)
				}
			}
			for _, f := range n.Fields {
				if f.Doc == "" {
					t.Errorf("field %s.%s has no doc", path, f.Name)
				}
				if f.Type.Type == "long" && !strings.Contains(f.Doc, "cents") {
					t.Errorf("doc of amount %s.%s gives no unit", path, f.Name)
				}
			}
		})
	})
}

// The names are those that such data goes by, also in fields still to come.
func TestPersonalAndPaymentDataIsMarked(t *testing.T) {
	personal := []string{"email", "mail", "phone", "line1", "line2", "street", "city", "postcode", "country", "birth"}
	payment := []string{"token", "card", "iban"}
	eachVersion(t, func(t *testing.T, _ schemas.Event, root *avro.SchemaNode) {
		eachRecord(root, "", func(path string, n *avro.SchemaNode) {
			for _, f := range n.Fields {
				name := strings.ToLower(f.Name)
				if (n.Name == "Address" || name == "name" || containsAny(name, personal)) && f.Props["personal"] != true {
					t.Errorf("%s.%s looks personal and is not marked so", path, f.Name)
				}
				if containsAny(name, payment) && f.Props["payment"] != true {
					t.Errorf("%s.%s looks like payment data and is not marked so", path, f.Name)
				}
				for prop := range f.Props {
					if prop != "key" && prop != "personal" && prop != "payment" {
						t.Errorf("%s.%s has the property %q, which nobody reads", path, f.Name, prop)
					}
				}
			}
		})
	})
}

func containsAny(s string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

func TestEveryCopyOfTheReasonsEqualsTheMaster(t *testing.T) {
	file, err := schemas.FS.ReadFile("Reason.avsc")
	if err != nil {
		t.Fatal(err)
	}
	var master any
	if err := json.Unmarshal(file, &master); err != nil {
		t.Fatal(err)
	}
	copies := 0
	var compare func(where string, v any)
	compare = func(where string, v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				compare(where, item)
			}
		case map[string]any:
			if v["type"] == "enum" && v["name"] == "Reason" {
				copies++
				if diff := cmp.Diff(master, any(v)); diff != "" {
					t.Errorf("%s (-Reason.avsc +copy):\n%s", where, diff)
				}
			}
			for _, item := range v {
				compare(where, item)
			}
		}
	}
	for _, e := range allEvents(t) {
		for _, version := range e.Versions {
			var schema any
			if err := json.Unmarshal([]byte(version), &schema); err != nil {
				t.Fatal(err)
			}
			compare(e.Type(), schema)
		}
	}
	if copies != 7 {
		t.Errorf("found %d copies, want one in each of the 7 events that give a reason", copies)
	}
}
