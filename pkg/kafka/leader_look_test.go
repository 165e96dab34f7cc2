package kafka

import (
	"io"
	"log/slog"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/quintet-eda/quintet/pkg/engine"
)

// A broker that is cut off from the others goes on answering for its partitions.
func TestADeposedLeaderIsLeft(t *testing.T) {
	t.Parallel()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "caller.events"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	s := Settings{Brokers: fake.ListenAddrs(), Service: "echo"}
	cluster, err := Connect(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() }) // the test is over
	c := NewConsumer(s, nil, nil, nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
	for address, stays := range map[string]bool{fake.ListenAddrs()[0]: true, "127.0.0.1:1": false} {
		session := newSession(c, cluster, []*engine.Assignment{{Topic: "caller.events"}})
		l := &leader{s: session, address: address, mine: []*reading{<-session.lost}}
		if err := l.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(l.mine) == 1 != stays || len(session.lost) == 1 == stays {
			t.Errorf("%s: %d partitions stay, %d are given back", address, len(l.mine), len(session.lost))
		}
	}
}
