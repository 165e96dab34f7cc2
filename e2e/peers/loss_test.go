//go:build containers

package peers_test

import (
	"context"
	stdsql "database/sql"
	"slices"
	"strconv"
	"testing"
	"time"

	mill "github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/quintet-eda/quintet/pkg/containers"
)

// TestTheQueueSchemaLosesRows shows why the outbox here is Watermill's default schema.
// A batch of ten ends early, since its fourth message is not acknowledged in time:
//
//	reads 1 to 10 ─ 1, 2, 3 acknowledged ─ 4 times out ─ the queue adapter deletes 1 to 10
//
// It acknowledges the rows that it read (AckMessageQueryParams.Rows), and not those that
// it sent. The default schema acknowledges the last one that was sent. Should this test
// fail, watermill-sql has mended it: then the queue schema may be used.
func TestTheQueueSchemaLosesRows(t *testing.T) {
	server, err := containers.StartPostgres(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = server.Stop(context.Background()) }) // the test's own context has ended by then
	where, err := server.Database(t.Context(), "loss")
	must(t, err)
	db, err := stdsql.Open("pgx", where)
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for _, c := range []struct {
		name    string
		schema  sql.SchemaAdapter
		offsets sql.OffsetsAdapter
		want    []string
	}{
		{"queue", sql.PostgreSQLQueueSchema{}, sql.PostgreSQLQueueOffsetsAdapter{DeleteOnAck: true}, []string{"1", "2", "3"}},
		{"default", sql.DefaultPostgreSQLSchema{}, sql.DefaultPostgreSQLOffsetsAdapter{}, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := delivered(t, sql.BeginnerFromStdSQL(db), c.name, c.schema, c.offsets); !slices.Equal(got, c.want) {
				t.Errorf("delivered are %v, want %v", got, c.want)
			}
		})
	}
}

// delivered publishes ten messages, does not acknowledge the fourth when it comes first,
// and returns what was acknowledged before a last message that is published after that.
func delivered(t *testing.T, db sql.Beginner, topic string, schema sql.SchemaAdapter, offsets sql.OffsetsAdapter) (acked []string) {
	t.Helper()
	patience := 200 * time.Millisecond
	subscriber, err := sql.NewSubscriber(db, sql.SubscriberConfig{
		SchemaAdapter: schema, OffsetsAdapter: offsets, InitializeSchema: true, AckDeadline: &patience, PollInterval: 10 * time.Millisecond,
	}, mill.NopLogger{})
	must(t, err)
	must(t, subscriber.SubscribeInitialize(topic))
	publisher, err := sql.NewPublisher(db, sql.PublisherConfig{SchemaAdapter: schema}, mill.NopLogger{})
	must(t, err)
	for n := range 10 {
		must(t, publisher.Publish(topic, message.NewMessage(strconv.Itoa(n+1), []byte("{}"))))
	}
	messages, err := subscriber.Subscribe(t.Context(), topic)
	must(t, err)
	refused := false
	for m := range messages {
		switch {
		case m.UUID == "4" && !refused:
			refused = true
			<-m.Context().Done()
			must(t, publisher.Publish(topic, message.NewMessage("last", []byte("{}"))))
			continue
		case m.UUID == "last":
			m.Ack()
			return acked
		}
		acked = append(acked, m.UUID)
		m.Ack()
	}
	return acked
}
