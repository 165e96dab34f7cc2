package broker_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/deploy/local"
	"github.com/quintet-eda/quintet/deploy/local/broker"
)

const topic = "order.events"

func TestBrokerCrashKeepsAcknowledgedRecords(t *testing.T) {
	for _, sync := range []string{"false", "true"} {
		t.Run("SYNC_WRITES="+sync, func(t *testing.T) {
			b := newProcess(t, "SYNC_WRITES="+sync)
			b.start()
			createTopic(t, b.addr)
			load := startLoad(t, b.addr)

			// The clean stop first: the kills after it find the sequence windows that it left.
			for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL, syscall.SIGKILL} {
				load.waitForMore(2000)
				b.end(signal)
				b.start()
			}
			load.waitForMore(2000)
			acknowledged := load.stop()

			stored := readAll(t, b.addr)
			for _, m := range acknowledged {
				value, _ := m.Value.Encode()
				if got := stored[position{m.Partition, m.Offset}]; got != string(value) {
					t.Fatalf("partition %d offset %d: acknowledged %q, found %q", m.Partition, m.Offset, value, got)
				}
			}
			t.Logf("%d acknowledged, %d stored", len(acknowledged), len(stored))
		})
	}
}

func TestOffsetAndStaticMemberSurviveBrokerCrash(t *testing.T) {
	b := newProcess(t)
	b.start()
	createTopic(t, b.addr)
	produce(t, b.addr, "first")

	before := joinGroup(t, b.addr)
	if got := before.next(t); got != "first" {
		t.Fatalf("got %q, want first", got)
	}
	before.waitCommitted(t, 1)
	b.end(syscall.SIGKILL)
	before.close(t) // a static member leaves without a word
	b.start()

	produce(t, b.addr, "second")
	after := joinGroup(t, b.addr)
	defer after.close(t)
	if got := after.next(t); got != "second" {
		t.Fatalf("got %q, want second: the committed offset is gone", got)
	}
}

func TestATopicThatNobodyCreatedIsRefused(t *testing.T) {
	b := newProcess(t)
	b.start()
	createTopic(t, b.addr) // another one: it waits until the broker answers
	config := clientConfig()
	config.Metadata.Retry.Max = 1
	producer, err := sarama.NewSyncProducer([]string{b.addr}, config)
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	if _, _, err := producer.SendMessage(&sarama.ProducerMessage{Topic: "nobody.events"}); err == nil {
		t.Fatal("a topic was created by itself")
	}
}

// process is a broker in a process of its own.
type process struct {
	t    *testing.T
	env  []string
	addr string
	cmd  *exec.Cmd
}

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "quintet-broker")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "broker")
	out, err := exec.Command("go", "build", "-o", bin, "../cmd/broker").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build broker: %w: %s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if bin, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(bin))
	}
	os.Exit(code)
}

func newProcess(t *testing.T, env ...string) *process {
	t.Helper()
	base, release, err := local.ReservePortBase()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	p := &process{
		t:    t,
		addr: "127.0.0.1:" + strconv.Itoa(broker.Port(base)),
		env:  append(env, "DATA_DIR="+t.TempDir(), "PORT_BASE="+strconv.Itoa(base)),
	}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.end(syscall.SIGKILL)
		}
	})
	return p
}

func (p *process) start() {
	p.t.Helper()
	bin, err := build()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(bin)
	p.cmd.Env = append(os.Environ(), p.env...)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) end(signal syscall.Signal) {
	p.t.Helper()
	_ = p.cmd.Process.Signal(signal)
	err := p.cmd.Wait()
	if signal == syscall.SIGTERM && err != nil {
		p.t.Fatalf("broker did not stop cleanly: %v", err)
	}
	p.cmd = nil
}

func clientConfig() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V3_6_0_0 // as the services do
	c.Metadata.Retry.Max = 200
	c.Metadata.Retry.Backoff = 50 * time.Millisecond
	c.Producer.Return.Successes = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Idempotent = true
	c.Producer.Retry.Max = 200
	c.Producer.Retry.Backoff = 50 * time.Millisecond
	c.Net.MaxOpenRequests = 1
	c.Consumer.MaxWaitTime = 10 * time.Millisecond
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Interval = 50 * time.Millisecond
	return c
}

func createTopic(t *testing.T, addr string) {
	t.Helper()
	admin, err := sarama.NewClusterAdmin([]string{addr}, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	if err := admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 12, ReplicationFactor: 1}, false); err != nil {
		t.Fatal(err)
	}
}

func produce(t *testing.T, addr, value string) {
	t.Helper()
	producer, err := sarama.NewSyncProducer([]string{addr}, clientConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	message := &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder("one order"), Value: sarama.StringEncoder(value)}
	if _, _, err := producer.SendMessage(message); err != nil {
		t.Fatal(err)
	}
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}
