// Package kafka connects a participant's engine to a Kafka cluster: the
// producer that the relay publishes with, the consumer group that feeds the
// engine, and the topics. It is the only importer of the client.
package kafka

import (
	"time"

	"github.com/IBM/sarama"
)

// Settings are what a deployment may choose. Everything else is a matter of
// safety and stands in this file, each with its reason.
type Settings struct {
	Brokers     []string
	Service     string // client id and consumer group
	Instance    string // static member of the group: the same after a restart
	Partitions  int32  // of topics that this service creates
	Replication int16
}

// common is what producer and consumer share.
func (s Settings) common() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = s.Service
	// The default is the oldest protocol of 2.8 and would leave out what
	// later brokers mended; every broker since 3.6 speaks this one.
	c.Version = sarama.V3_6_0_0
	c.Net.DialTimeout = 3 * time.Second
	c.Net.ReadTimeout = 10 * time.Second
	c.Net.WriteTimeout = 10 * time.Second
	// Short and few: whoever asked tries again itself, with the error at hand.
	c.Metadata.Retry.Max = 2
	c.Metadata.Retry.Backoff = 100 * time.Millisecond
	// A topic is created by its owner with its settings, never by being asked for.
	c.Metadata.AllowAutoTopicCreation = false
	return c
}

// producer is a configuration that loses nothing and keeps the order of a key.
func (s Settings) producer() *sarama.Config {
	c := s.common()
	// A retry of a batch that did arrive is dropped by the broker, and one
	// that arrives late is refused: no copies and no inversions from retries.
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1 // required by Idempotent
	// An outage of some minutes is waited for here: giving a record up while
	// its successors are queued behind it would publish them without it. A
	// longer one ends the producer, and the relay starts again from the
	// outbox. The client keeps a slot per retry and partition, so this is not
	// simply a huge number.
	c.Producer.Retry.Max = 300
	c.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		return min(time.Duration(retries)*50*time.Millisecond, time.Second)
	}
	// A broker that stops in order says first that its partitions have no
	// leader, and a batch for which no leader is found within this minute is
	// given up, whatever the number of retries above.
	c.Metadata.Retry.Max = 240
	c.Metadata.Retry.Backoff = 250 * time.Millisecond
	// The relay needs to know of every record.
	c.Producer.Return.Successes = true
	c.Producer.Return.Errors = true
	// Where the JVM clients would put the same key.
	c.Producer.Partitioner = sarama.NewMurmur2Partitioner
	// No Flush settings: what gathers while a request is under way is the
	// next request. A linger would add its time to every hop.
	return c
}

// pollTime is how long a fetch waits when there is nothing: it ends at once when
// a record arrives.
const pollTime = 500 * time.Millisecond

// consumer is a configuration that reads everything, in order, from the
// position that the database holds.
func (s Settings) consumer() *sarama.Config {
	c := s.common()
	c.Consumer.Group.InstanceId = s.Instance // a restart within the session time takes its place again without a rebalance
	c.Consumer.Group.Session.Timeout = 10 * time.Second
	c.Consumer.Group.Heartbeat.Interval = 2 * time.Second
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	// Every wait of an assignment ends with its session, so nobody has to be
	// thrown out of a rebalance; the time is for a commit that is under way.
	c.Consumer.Group.Rebalance.Timeout = 20 * time.Second
	c.Consumer.Group.Rebalance.Retry.Max = 4
	c.Consumer.Group.Rebalance.Retry.Backoff = 250 * time.Millisecond
	c.Consumer.Return.Errors = true
	// What leads a partition is asked for each minute: a broker that is cut off from
	// the others goes on answering, and nothing new comes to it.
	c.Metadata.RefreshFrequency = time.Minute
	// The client may fetch once before its partitions are paused. Nobody reads that
	// answer, so the client asks for one byte.
	c.Consumer.Fetch.Default = 1
	// The broker's copy of the position is for people and tools. Committed
	// in the background it never waits behind a long poll for its connection.
	c.Consumer.Offsets.AutoCommit.Enable = true
	c.Consumer.Offsets.AutoCommit.Interval = time.Second
	return c
}
