package sandbox_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	// The tracking number follows from the key k.
	isBooked    = `200 {"status":"booked","trackingNumber":"QT706673393910"}`
	isCollected = `200 {"status":"collected","trackingNumber":"QT706673393910"}`
	isUnbooked  = `200 {"status":"unbooked"}`
	isRefused   = `422 {"status":"refused"}`
)

func book(country string) string {
	return fmt.Sprintf(`{"orderId":"o-1","address":{"name":"Ada","line1":"1 Mill Lane","line2":null,"city":"Hull","postcode":"HU1","country":%q},"lines":[{"sku":"tea","quantity":2}]}`, country)
}

const bookAtDepot = `{"orderId":"o-1","address":null,"lines":[{"sku":"tea","quantity":2}]}`

func TestAShipmentGoesAsItsCountrySays(t *testing.T) {
	t.Parallel()
	ship := func(body string, want reply) step { return step{"POST", "/shipments/k/book", body, want} }
	unbook := func(want reply) step { return step{"POST", "/shipments/k/unbook", theVoid, want} }
	collect := func(want reply) step { return step{"POST", "/shipments/k/collect", "", want} }
	query := func(want reply) step { return step{"GET", "/shipments/k", "", want} }

	tests := []struct {
		name   string
		steps  []step
		ledger []string
	}{
		{
			"booked once", []step{ship(book("GB"), isBooked), ship(book("GB"), isBooked), query(isBooked)},
			[]string{"book booked", "book repeat"},
		},
		{
			"XX is refused for good", []step{ship(book("XX"), isRefused), ship(book("XX"), isRefused), query(`200 {"status":"refused"}`), collect(`409 {"status":"refused"}`)},
			[]string{"book refused", "book repeat"},
		},
		{
			"XT is booked and answers the repeat only", []step{ship(book("XT"), ""), ship(book("XT"), isBooked)},
			[]string{"book booked ?", "book repeat"},
		},
		{
			"without an address it waits at the depot", []step{ship(bookAtDepot, isBooked), ship(bookAtDepot, isBooked)},
			[]string{"book booked", "book repeat"},
		},
		{
			"an unbook before the booking is a tombstone", []step{unbook(isUnbooked), ship(book("GB"), `409 {"status":"unbooked"}`), query(isUnbooked)},
			[]string{"unbook unbooked", "book rejected"},
		},
		{
			"an unbook after the booking undoes it", []step{ship(book("GB"), isBooked), unbook(isUnbooked), unbook(isUnbooked), ship(book("GB"), `409 {"status":"unbooked"}`), collect(`409 {"status":"unbooked"}`)},
			[]string{"book booked", "unbook unbooked", "unbook repeat", "book rejected"},
		},
		{
			"a collected parcel cannot be unbooked", []step{ship(book("GB"), isBooked), collect(isCollected), collect(isCollected), unbook(isCollected), ship(book("GB"), isBooked), query(isCollected)},
			[]string{"book booked", "collect collected", "unbook rejected", "book repeat"},
		},
		{
			"there is nothing to collect before the booking", []step{collect(`404 {"title":"Not Found","status":404,"detail":"there is no shipment with key \"k\""}`), query(`404 {"title":"Not Found","status":404,"detail":"there is no shipment with key \"k\""}`)},
			nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			for _, s := range tt.steps {
				if s.want == "" {
					w.expectSilence(s.method, s.path, s.body)
				} else {
					w.expect(s.method, s.path, s.body, s.want)
				}
			}
			if diff := cmp.Diff(tt.ledger, w.story("shipments")); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheCarrierRemembersWhatItShips(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.expect("POST", "/shipments/k/book", bookAtDepot, isBooked)
	e := w.ledger("shipments", "?orderId=o-1")[0]
	if e.Delivery != "depot" || e.Address != nil || len(e.Lines) != 1 || e.Lines[0].Quantity != 2 {
		t.Errorf("ledger has %+v", e)
	}
	for _, other := range []string{book("GB"), strings.Replace(bookAtDepot, "2", "3", 1), strings.Replace(bookAtDepot, "o-1", "o-2", 1)} {
		if got := w.must("POST", "/shipments/k/book", other); !strings.HasPrefix(string(got), "422 ") || !strings.Contains(string(got), "was used before") {
			t.Errorf("key reused: %s", got)
		}
	}
}

func TestFiftyConcurrentBookingsOfOneKeyBookOnce(t *testing.T) {
	t.Parallel()
	w := start(t)
	var calls sync.WaitGroup
	for range 50 {
		calls.Go(func() {
			if got, err := w.send(t.Context(), "POST", "/shipments/k/book", book("GB")); err != nil || got != isBooked {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	calls.Wait()
	times := map[string]int{}
	for _, e := range w.ledger("shipments", "") {
		times[e.Outcome]++
	}
	if diff := cmp.Diff(map[string]int{"booked": 1, "repeat": 49}, times); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
}
