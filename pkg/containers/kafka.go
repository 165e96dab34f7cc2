package containers

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

// Kafka is a real broker: a cluster of one node that is controller and broker.
// It keeps its address and its data, however it is stopped.
type Kafka struct {
	container *testcontainers.DockerContainer
	docker    *testcontainers.DockerClient
	address   string
}

// StartKafka starts a broker and returns when it takes requests, after about
// five seconds.
func StartKafka(ctx context.Context) (*Kafka, error) {
	docker, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("start Kafka: %w", err)
	}
	k := &Kafka{docker: docker, address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	k.container, err = testcontainers.Run(ctx, image("KAFKA_IMAGE", "apache/kafka:4.4.0"),
		testcontainers.WithEntrypoint("sh", "-c", kafkaStart),
		testcontainers.WithExposedPorts("9092/tcp"),
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
			c.PortBindings = network.PortMap{network.MustParsePort("9092/tcp"): {{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: strconv.Itoa(port)}}}
		}),
		testcontainers.WithEnv(kafkaSettings(k.address)))
	if err == nil {
		err = k.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start Kafka: %w", err), k.Terminate(context.WithoutCancel(ctx)))
	}
	return k, nil
}

// kafkaStart has the steps of the image's own launcher: write the settings, format the
// storage, run. Formatting fails when the storage is formatted: at every start but the
// first.
const kafkaStart = `java -XX:TieredStopAtLevel=1 -cp '/opt/kafka/libs/*' kafka.docker.KafkaDockerWrapper setup \
  --default-configs-dir /etc/kafka/docker --mounted-configs-dir /mnt/shared/config --final-configs-dir /opt/kafka/config
exec java $KAFKA_HEAP_OPTS -Dlog4j2.configurationFile=/opt/kafka/config/log4j2.yaml -cp '/opt/kafka/libs/*' kafka.Kafka /opt/kafka/config/server.properties`

// kafkaSettings are those of deploy/kafka/server.properties, for a node that only this
// machine reaches.
func kafkaSettings(address string) map[string]string {
	return map[string]string{
		"CLUSTER_ID":    "cXVpbnRldC1jbHVzdGVyMQ",
		"KAFKA_NODE_ID": "1", "KAFKA_PROCESS_ROLES": "broker,controller",
		"KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093", "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
		// The broker is a client of itself: it ends transactions that way, and
		// does not reach the address that this machine has for it.
		"KAFKA_LISTENERS":                      "OUTSIDE://:9092,INSIDE://localhost:19092,CONTROLLER://localhost:9093",
		"KAFKA_ADVERTISED_LISTENERS":           "OUTSIDE://" + address + ",INSIDE://localhost:19092",
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT",
		"KAFKA_INTER_BROKER_LISTENER_NAME":     "INSIDE",
		// A cluster of one node has one copy.
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1", "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
		"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1", "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
		"KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
		// The owner of a topic creates it, with its settings.
		"KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
		// A new group waits this long for more members, by default 3 s. The
		// members of ours are static, and a second that joins costs little.
		"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
		// A killed broker comes back once its old session is over, by default
		// after 9 s.
		"KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000", "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
		// 50 partitions of 50 files each would be most of the memory at rest.
		"KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4", "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
		"KAFKA_HEAP_OPTS": "-Xms256m -Xmx256m -XX:TieredStopAtLevel=1",
	}
}

// freePort returns a port outside the range from which the system takes the ports of
// outgoing connections. A port in that range could be taken at the next start.
func freePort() (int, error) {
	for range 100 {
		port := 10000 + rand.IntN(20000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("find a free port: a hundred tried are taken")
}

// Address returns the address at which clients on this machine reach the broker.
func (k *Kafka) Address() string { return k.address }

// Stop asks the broker to end and waits until it has.
func (k *Kafka) Stop(ctx context.Context) error {
	patience := 30
	_, err := k.docker.ContainerStop(ctx, k.container.GetContainerID(), client.ContainerStopOptions{Timeout: &patience})
	return err
}

// Kill ends the broker at once, as kill -9 does.
func (k *Kafka) Kill(ctx context.Context) error {
	ended := k.docker.ContainerWait(ctx, k.container.GetContainerID(), client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	if _, err := k.docker.ContainerKill(ctx, k.container.GetContainerID(), client.ContainerKillOptions{Signal: "KILL"}); err != nil {
		return err
	}
	select {
	case <-ended.Result:
		return nil
	case err := <-ended.Error:
		return err
	}
}

// Start starts a stopped or killed broker again, with its data and at its
// address, and returns when it takes requests.
func (k *Kafka) Start(ctx context.Context) error {
	if _, err := k.docker.ContainerStart(ctx, k.container.GetContainerID(), client.ContainerStartOptions{}); err != nil {
		return err
	}
	return k.ready(ctx)
}

// Terminate removes the broker and its data.
func (k *Kafka) Terminate(ctx context.Context) error {
	return errors.Join(testcontainers.TerminateContainer(k.container, testcontainers.StopContext(ctx), testcontainers.StopTimeout(0)), k.docker.Close())
}

// ready waits until the broker takes requests. Docker's own listener accepts
// connections before the broker does, so a port that is open says nothing.
func (k *Kafka) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		c, err := kafka.Connect(kafka.Settings{Brokers: []string{k.address}, Service: "test"})
		if err == nil {
			return c.Close()
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("the broker takes no requests: %w", err)
		}
	}
}
