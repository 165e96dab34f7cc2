package order

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStepsEndWithTheOrder(t *testing.T) {
	for _, end := range []string{"OrderCompleted", "OrderCancelled"} {
		o := Order{Progress: []Step{{Event: "OrderPlaced"}, {Event: end}, {Event: "PaymentFailed"}}} // the last was late
		if diff := cmp.Diff([]any{Step{Event: "OrderPlaced"}, Step{Event: end}}, o.steps()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
