//go:build containers

package peers_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/quintet-eda/quintet/deploy/sandbox"
	"github.com/quintet-eda/quintet/e2e/peers/debezium"
	"github.com/quintet-eda/quintet/pkg/containers"
	"github.com/quintet-eda/quintet/pkg/record"
)

// world is an arm's five services, each a process, and what they talk to.
type world struct {
	t         *testing.T
	outside   *sandbox.Sandbox
	brokers   []string
	addresses map[string]string
}

// start brings everything up for one arm, and ends it with the test.
func start(t *testing.T, arm string) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{t: t, addresses: map[string]string{}}
	var kafka *containers.Kafka
	var database *containers.Postgres
	var registry *containers.Registry
	var errs [3]error
	var starting sync.WaitGroup
	starting.Go(func() { kafka, errs[0] = containers.StartKafka(ctx) })
	starting.Go(func() { database, errs[1] = containers.StartPostgres(ctx, "testdata/logical.sh") })
	starting.Go(func() { registry, errs[2] = containers.StartRegistry(ctx) })
	starting.Wait()
	for _, err := range errs {
		must(t, err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		_, _, _ = kafka.Terminate(ctx), database.Stop(ctx), registry.Terminate(ctx)
	})
	w.brokers = []string{kafka.Address()}
	w.openOutside()
	var logs []string
	for _, service := range []string{"order", "inventory", "payment", "shipping", "email"} {
		where, err := database.Database(ctx, service)
		must(t, err)
		logs = append(logs, where)
		w.addresses[service] = free(t)
		w.run(arm, service, "DATABASE_URL="+where, "SCHEMA_REGISTRY_URL="+registry.URL())
	}
	for service, address := range w.addresses {
		w.eventually(service+" is ready", func() bool {
			answer, err := http.Get("http://" + address + "/readyz")
			if err != nil {
				return false
			}
			defer answer.Body.Close()
			return answer.StatusCode == http.StatusOK
		})
	}
	if arm == "logged" {
		w.relay(database, logs)
	}
	return w
}

// relay starts Debezium, and returns when it reads each database's log.
func (w *world) relay(database *containers.Postgres, logs []string) {
	dir := w.t.TempDir()
	c, err := debezium.Worker{Jars: "bin/connect", Dir: dir, Brokers: w.brokers[0], REST: free(w.t), Databases: logs}.Command()
	must(w.t, err)
	said, err := os.Create(filepath.Join(dir, "log"))
	must(w.t, err)
	c.Stdout, c.Stderr = said, said
	if err := c.Start(); err != nil {
		w.t.Fatalf("start Kafka Connect, whose jars `make peers` fetches: %v", err)
	}
	w.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait() // a Java that is asked to end says so by its exit code
		if text, err := os.ReadFile(said.Name()); err == nil && w.t.Failed() {
			w.t.Logf("Kafka Connect:\n%s", text)
		}
	})
	w.eventually("Debezium reads every database", func() bool {
		return database.Exec(w.t.Context(), `SELECT 1 / (count(*) / $1)::int FROM pg_replication_slots WHERE active`, len(logs)) == nil
	})
}

func (w *world) openOutside() {
	var err error
	w.outside, err = sandbox.Open(sandbox.Config{HTTPAddr: "127.0.0.1:0", SMTPAddr: "127.0.0.1:0", DataDir: w.t.TempDir()}, slog.New(slog.DiscardHandler))
	must(w.t, err)
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.outside.Serve(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			w.t.Error(err)
		}
	})
}

// run starts a service as a copy of this program.
func (w *world) run(arm, service string, environment ...string) {
	self, err := os.Executable()
	must(w.t, err)
	log, err := os.Create(filepath.Join(w.t.TempDir(), service+".log"))
	must(w.t, err)
	c := exec.Command(self)
	c.Env = append(os.Environ(), append(environment,
		"PEER_ARM="+arm, "PEER_SERVICE="+service, "HTTP_ADDR="+w.addresses[service], "KAFKA_BROKERS="+w.brokers[0],
		"PROVIDER_URL=http://"+w.outside.HTTPAddr, "CARRIER_URL=http://"+w.outside.HTTPAddr, "SMTP_ADDR="+w.outside.SMTPAddr)...)
	c.Stdout, c.Stderr = log, log
	must(w.t, c.Start())
	w.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		ended := c.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && (w.t.Failed() || ended != nil) {
			w.t.Logf("%s ended with %v:\n%s", service, ended, text)
		}
	})
}

// completed reads the orders that OrderCompleted was published of, until there are as
// many as were placed.
func (w *world) completed() map[string]bool {
	w.t.Helper()
	consumer, err := sarama.NewConsumer(w.brokers, sarama.NewConfig())
	must(w.t, err)
	defer consumer.Close()
	partitions, err := consumer.Partitions("order.events")
	must(w.t, err)
	records := make(chan *sarama.ConsumerMessage)
	for _, p := range partitions {
		one, err := consumer.ConsumePartition("order.events", p, sarama.OffsetOldest)
		must(w.t, err)
		defer one.AsyncClose()
		go func() {
			for m := range one.Messages() {
				select {
				case records <- m:
				case <-w.t.Context().Done():
				}
			}
		}()
	}
	seen := map[string]bool{}
	patience := time.After(2 * time.Minute)
	for len(seen) < orders {
		select {
		case m := <-records:
			r := &record.Record{Topic: m.Topic, Key: string(m.Key)}
			for _, h := range m.Headers {
				r.Headers = append(r.Headers, record.Header{Name: string(h.Key), Value: string(h.Value)})
			}
			if strings.HasSuffix(record.ReadEnvelope(r).Type, ".OrderCompleted") {
				seen[r.Key] = true
			}
		case <-patience:
			return seen
		}
	}
	return seen
}

// kindOf is what a mail tells its customer.
func kindOf(e sandbox.Entry) string {
	if strings.Contains(e.Subject, "received") {
		return "OrderPlaced"
	}
	return "OrderCompleted"
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	end := time.After(time.Minute)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !ok() {
		select {
		case <-look.C:
		case <-end:
			w.t.Fatalf("never: %s", what)
		}
	}
}

func free(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
