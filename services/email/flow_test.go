package email

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/pkg/flowtest"
	"github.com/quintet-eda/quintet/schemas"
	"github.com/quintet-eda/quintet/schemas/events"
)

var (
	placed    = events.OrderPlaced{OrderID: "o-1", CustomerID: "c-1", Email: "ada@example.com", Currency: "USD"}
	completed = events.OrderCompleted{OrderID: "o-1"}
	cancelled = events.OrderCancelled{OrderID: "o-1", Reason: events.ReasonDeclined}
)

func suite() flowtest.Suite[Mailbox] {
	return flowtest.Suite[Mailbox]{Participant: Flow, Store: Store, Migrations: Migrations, Contract: schemas.FS, Ignore: []string{"notificationId"}}
}

// tells checks what the customer was told, leaving out the derived ids.
func tells(want ...Notice) func(*testing.T, Mailbox) {
	return func(t *testing.T, m Mailbox) {
		t.Helper()
		for i := range m.Notices {
			if m.Notices[i].ID == "" {
				t.Errorf("notice %d has no id", i)
			}
			m.Notices[i].ID = ""
		}
		if diff := cmp.Diff(want, m.Notices); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
	}
}

func mailOf(k events.Kind, r events.Reason) SendMail {
	return SendMail{OrderID: "o-1", To: "ada@example.com", Kind: k, Reason: r}
}

func TestEmailTellsTheCustomer(t *testing.T) {
	nobody, toEve := placed, placed
	nobody.Email, toEve.Email = "", "eve@example.com"
	welcomed := Notice{Kind: events.KindOrderPlaced, Status: Sending}
	flowtest.Run(t, suite(), []flowtest.Case[Mailbox]{
		{Name: "an order was received", When: placed, Then: []any{mailOf(events.KindOrderPlaced, "")}, State: tells(welcomed)},
		{Name: "it is on its way", Given: []any{placed}, When: completed, Then: []any{mailOf(events.KindOrderCompleted, "")},
			State: tells(welcomed, Notice{Kind: events.KindOrderCompleted, Status: Sending})},
		{Name: "the order once more, to another address", Given: []any{placed}, When: toEve, State: tells(welcomed)},
		{Name: "and the end goes where the beginning went", Given: []any{placed, toEve}, When: completed, Then: []any{mailOf(events.KindOrderCompleted, "")},
			State: tells(welcomed, Notice{Kind: events.KindOrderCompleted, Status: Sending})},
		{Name: "it was cancelled, and why", Given: []any{placed}, When: cancelled, Then: []any{mailOf(events.KindOrderCancelled, events.ReasonDeclined)},
			State: tells(welcomed, Notice{Kind: events.KindOrderCancelled, Status: Sending, Reason: events.ReasonDeclined})},
		{Name: "each thing once", Given: []any{placed, completed}, When: completed,
			State: tells(welcomed, Notice{Kind: events.KindOrderCompleted, Status: Sending})},
		{Name: "an end waits for the address", When: cancelled,
			State: tells(Notice{Kind: events.KindOrderCancelled, Status: Waiting, Reason: events.ReasonDeclined})},
		{Name: "the beginning comes before the end even when it arrives after it", Given: []any{cancelled}, When: placed,
			Then:  []any{mailOf(events.KindOrderPlaced, ""), mailOf(events.KindOrderCancelled, events.ReasonDeclined)},
			State: tells(Notice{Kind: events.KindOrderCancelled, Status: Sending, Reason: events.ReasonDeclined}, welcomed)},
		{Name: "an empty address fails and does not wait for ever", Given: []any{cancelled}, When: nobody,
			Then:  []any{SendMail{OrderID: "o-1", Kind: events.KindOrderPlaced}, SendMail{OrderID: "o-1", Kind: events.KindOrderCancelled, Reason: events.ReasonDeclined}},
			State: tells(Notice{Kind: events.KindOrderCancelled, Status: Sending, Reason: events.ReasonDeclined}, welcomed)},
		{Name: "after an empty address too", Given: []any{nobody}, When: completed, Then: []any{SendMail{OrderID: "o-1", Kind: events.KindOrderCompleted}},
			State: tells(welcomed, Notice{Kind: events.KindOrderCompleted, Status: Sending})},
	})
}

func TestNoticesOfDifferentOrdersHaveDifferentIDs(t *testing.T) {
	first, _, err := Flow.React(Mailbox{}, "first", time.Now(), placed)
	if err != nil {
		t.Fatal(err)
	}
	second, _, err := Flow.React(Mailbox{}, "second", time.Now(), placed)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Notices) != 1 || len(second.Notices) != 1 || first.Notices[0].ID == second.Notices[0].ID {
		t.Errorf("their notices are %+v and %+v", first.Notices, second.Notices)
	}
}

func TestEmailRecordsHowAMailEnded(t *testing.T) {
	// The id of a notification derives from its input's, so it is the same in
	// each run. The first run finds it out, several times at once.
	var found sync.Map
	t.Run("id", func(t *testing.T) {
		flowtest.Run(t, suite(), []flowtest.Case[Mailbox]{
			{Name: "a notification has an id", When: placed, Then: []any{mailOf(events.KindOrderPlaced, "")},
				State: func(_ *testing.T, m Mailbox) { found.Store("id", m.Notices[0].ID) }},
		})
	})
	it, _ := found.Load("id")
	id := it.(string)
	accepted := MailAnswered{NotificationID: id}
	failed := func(c events.Cause) events.NotificationFailed {
		return events.NotificationFailed{OrderID: "o-1", Kind: events.KindOrderPlaced, Cause: c}
	}
	ended := func(s Status, c events.Cause) func(*testing.T, Mailbox) {
		return tells(Notice{Kind: events.KindOrderPlaced, Status: s, Cause: c})
	}
	cases := []flowtest.Case[Mailbox]{
		{Name: "accepted", Given: []any{placed}, When: accepted,
			Then: []any{events.NotificationSent{OrderID: "o-1", Kind: events.KindOrderPlaced}}, State: ended(Sent, "")},
		{Name: "an answer to no notification of ours changes nothing", Given: []any{placed}, When: MailAnswered{NotificationID: "other"}, State: ended(Sending, "")},
	}
	for _, c := range []events.Cause{events.CauseBounced, events.CauseGivenUp, events.CauseUnknown} {
		cases = append(cases, flowtest.Case[Mailbox]{Name: string(c), Given: []any{placed}, When: MailAnswered{NotificationID: id, Cause: c},
			Then: []any{failed(c)}, State: ended(Failed, c)})
	}
	flowtest.Run(t, suite(), cases)
}
