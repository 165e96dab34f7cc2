package flowtest_test

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/pkg/store"
)

// A service credits points to an order that is completed. It hears an event of the
// order service, and owns one of its own.
type (
	OrderCompleted struct {
		OrderID string `avro:"orderId" json:"orderId"`
		Total   int64  `avro:"total" json:"total"` // minor units
	}
	PointsCredited struct {
		OrderID string `avro:"orderId" json:"orderId"`
		Points  int64  `avro:"points" json:"points"`
	}
)

func (OrderCompleted) EventType() string  { return "example.order.OrderCompleted" }
func (OrderCompleted) EventOwner() string { return "order" }
func (e OrderCompleted) EventKey() string { return e.OrderID }
func (PointsCredited) EventType() string  { return "example.loyalty.PointsCredited" }
func (PointsCredited) EventOwner() string { return "loyalty" }
func (e PointsCredited) EventKey() string { return e.OrderID }

// Credit is what the service keeps of one order.
type Credit struct {
	OrderID string
	Points  int64
}

// loyalty is the service's part in the choreography.
var loyalty = flow.Participant[Credit]{
	Service: "loyalty",
	Reactions: []flow.Reaction[Credit]{
		flow.OnEvent[OrderCompleted](credit).Emits(PointsCredited{}),
	},
}

func credit(c Credit, e OrderCompleted, out *flow.Out) Credit {
	c.OrderID, c.Points = e.OrderID, e.Total/100
	out.Emit(PointsCredited{OrderID: e.OrderID, Points: c.Points})
	return c
}

// suite is how the states are kept, and the schemas of both events.
var suite = flowtest.Suite[Credit]{
	Participant: loyalty,
	Store: flow.RowStore[Credit]{Table: store.NewTable("credits", "order_id", []string{"order_id", "points"}, func(c *Credit) []any {
		return []any{&c.OrderID, &c.Points}
	})},
	Migrations: fstest.MapFS{"0001_credits.sql": {Data: []byte(`-- +goose Up
CREATE TABLE credits (order_id TEXT PRIMARY KEY, points BIGINT NOT NULL) WITHOUT ROWID;
`)}},
	Contract: fstest.MapFS{
		"order/OrderCompleted/v1.avsc": {Data: []byte(`{"type":"record","name":"OrderCompleted","namespace":"example.order",
			"fields":[{"name":"orderId","type":"string"},{"name":"total","type":"long"}]}`)},
		"loyalty/PointsCredited/v1.avsc": {Data: []byte(`{"type":"record","name":"PointsCredited","namespace":"example.loyalty",
			"fields":[{"name":"orderId","type":"string"},{"name":"points","type":"long"}]}`)},
	},
}

// The case runs with the event delivered once and twice, with a commit that fails, with
// a commit whose answer is lost, and with a new process after each input.
func TestACompletedOrderEarnsPoints(t *testing.T) {
	flowtest.Run(t, suite, []flowtest.Case[Credit]{{
		Name: "a point for each whole unit",
		When: OrderCompleted{OrderID: "o-1", Total: 2550},
		Then: []any{PointsCredited{OrderID: "o-1", Points: 25}},
		State: func(t *testing.T, c Credit) {
			if c.Points != 25 {
				t.Errorf("%d points are kept", c.Points)
			}
		},
	}})
}

// A reaction is a pure function, so it can be called without broker and database.
func Example() {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	state, out, err := loyalty.React(Credit{}, "event-1", now, OrderCompleted{OrderID: "o-1", Total: 2550})
	fmt.Println(state.Points, out.Events, err)
	// Output: 25 [{o-1 25}] <nil>
}
