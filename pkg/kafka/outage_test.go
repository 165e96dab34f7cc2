package kafka_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/kafka"
	"github.com/quintet-eda/quintet/pkg/record"
)

func TestBrokerRestartLosesAndReordersNothing(t *testing.T) {
	t.Parallel()
	cluster, s := broker(t)
	createTopics(t, s, "caller.events")
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	m.ready(t)
	c := newCaller(t, s)
	halls := names(10)
	log, err := kafka.Open(s) // one producer through all restarts
	must(t, err)
	ends := []func(context.Context) error{cluster.Stop, cluster.Kill, cluster.Stop}
	const each = 200
	n := 0
	for _, end := range ends {
		for range each {
			hall := halls[n%len(halls)]
			value, dataSchema, err := c.codec.Encode(Said{}.EventType(), Said{Hall: hall, N: int64(n / len(halls))})
			must(t, err)
			id := fmt.Sprintf("id-%d", n)
			log.Publish(t.Context(), id, &record.Record{Topic: "caller.events", Key: hall, Value: value, Headers: []record.Header{
				{Name: "ce_id", Value: id}, {Name: "ce_type", Value: Said{}.EventType()}, {Name: "ce_dataschema", Value: dataSchema},
			}})
			n++
			if n%each == each/2 { // while records are under way, and echoes
				must(t, end(t.Context()))
				must(t, cluster.Start(t.Context()))
			}
		}
	}
	for range n {
		if p := <-log.Acks(); p.Err != nil {
			t.Fatalf("record %s: %v", p.ID, p.Err)
		}
	}
	must(t, log.Close())
	want := ""
	for i := range len(ends) * each / len(halls) {
		want += " " + strconv.Itoa(i)
	}
	for _, hall := range halls {
		eventually(t, hall+" is heard in order", func() bool { return len(heard(t, db, hall)) >= len(want)-1 })
		if got := heard(t, db, hall); " "+got != want {
			t.Errorf("%s heard %s", hall, got)
		}
	}
	eventually(t, "the outbox is empty", func() bool { return one(t, db, `SELECT count(*) FROM outbox`) == "0" })
	m.stop()
	t.Logf("copies: %d", echoesInOrder(t, s, n))
}

func TestMemberStartedBeforeTheBrokerWaits(t *testing.T) {
	t.Parallel()
	cluster, s := broker(t)
	must(t, cluster.Stop(t.Context()))
	db := open(t, dbPath(t))
	m := start(t, s, "a", db, options{})
	eventually(t, "it tells what it waits for", func() bool { return strings.Contains(m.missing(), "broker: connect to broker") })
	must(t, cluster.Start(t.Context()))
	createTopics(t, s, "caller.events")
	m.ready(t)
	newCaller(t, s).say(names(10)...)
	eventually(t, "all is heard", func() bool { return one(t, db, `SELECT count(*) FROM inbox`) == "10" })
	eventually(t, "all is echoed", func() bool { return one(t, db, `SELECT count(*) FROM outbox`) == "0" })
	echoesInOrder(t, s, 10)
}

func TestAStopIsBoundedWhileTheBrokerSaysNothing(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // never answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	m := start(t, kafka.Settings{Brokers: []string{silent.Addr().String()}, Service: "echo", Partitions: 1, Replication: 1}, "a", open(t, dbPath(t)), options{})
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	m.stop()
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("stop took %v", took)
	}
	if missing := m.missing(); !strings.Contains(missing, "broker") {
		t.Errorf("missing: %q", missing)
	}
}
