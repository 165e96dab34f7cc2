// Package kafka connects a participant's engine to a Kafka cluster. It holds the
// producer that the relay publishes with, the consumer group that feeds the engine, and
// the topics. It is the only importer of the client.
package kafka

import (
	"time"

	"github.com/IBM/sarama"
)

// Settings are the values that a deployment may choose. All other values are a matter
// of safety and stand in this file, each with its reason.
type Settings struct {
	Brokers     []string
	Service     string // client id and consumer group
	Instance    string // static member of the group: the same after a restart
	Partitions  int32  // of topics that this service creates
	Replication int16
}

// common returns the configuration that producer and consumer share.
func (s Settings) common() *sarama.Config {
	c := sarama.NewConfig()
	c.ClientID = s.Service
	// The default is the oldest protocol of 2.8, without the corrections of later
	// brokers. Every broker since 3.6 supports this one.
	c.Version = sarama.V3_6_0_0
	c.Net.DialTimeout = 3 * time.Second
	c.Net.ReadTimeout = 10 * time.Second
	c.Net.WriteTimeout = 10 * time.Second
	// Retries are short and few: each caller retries by itself, with the error at hand.
	c.Metadata.Retry.Max = 2
	c.Metadata.Retry.Backoff = 100 * time.Millisecond
	// The owner creates a topic, with its settings. A request for a topic never creates
	// it.
	c.Metadata.AllowAutoTopicCreation = false
	return c
}

// producer returns a configuration that loses no record and keeps the order of a key.
func (s Settings) producer() *sarama.Config {
	c := s.common()
	// The broker drops the retry of a batch that did arrive, and refuses a batch that
	// arrives late. So retries cause no copies and no inversions.
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1 // required by Idempotent
	// The producer waits here through an outage of some minutes. If it gave up a
	// record, it would publish the successors queued behind that record without it. A
	// longer outage ends the producer, and the relay starts again from the outbox. The
	// client keeps a slot per retry and partition, so this is not simply a huge number.
	c.Producer.Retry.Max = 300
	c.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		return min(time.Duration(retries)*50*time.Millisecond, time.Second)
	}
	// A broker that stops in order first reports that its partitions have no leader.
	// The client gives a batch up if it finds no leader within this minute. The number
	// of retries above does not matter then.
	c.Metadata.Retry.Max = 240
	c.Metadata.Retry.Backoff = 250 * time.Millisecond
	// The relay needs the result of every record.
	c.Producer.Return.Successes = true
	c.Producer.Return.Errors = true
	// The JVM clients assign the same key to the same partition.
	c.Producer.Partitioner = sarama.NewMurmur2Partitioner
	// No Flush settings: records that gather while a request is in flight form the next
	// request. A linger would add its time to every hop.
	return c
}

// pollTime is the time that a fetch waits when the log has no further record. The fetch
// ends at once when a record arrives.
const pollTime = 500 * time.Millisecond

// consumer returns a configuration that reads everything, in order, from the position
// in the database.
func (s Settings) consumer() *sarama.Config {
	c := s.common()
	c.Consumer.Group.InstanceId = s.Instance // an instance that restarts within the session time rejoins without a rebalance
	c.Consumer.Group.Session.Timeout = 10 * time.Second
	c.Consumer.Group.Heartbeat.Interval = 2 * time.Second
	c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategySticky()}
	// Every wait of an assignment ends with its session, so no member has to be
	// expelled from a rebalance. The time is for a commit in flight.
	c.Consumer.Group.Rebalance.Timeout = 20 * time.Second
	c.Consumer.Group.Rebalance.Retry.Max = 4
	c.Consumer.Group.Rebalance.Retry.Backoff = 250 * time.Millisecond
	c.Consumer.Return.Errors = true
	// The client refreshes the leaders of partitions each minute. A broker that is cut
	// off from the others goes on answering, and receives no new records.
	c.Metadata.RefreshFrequency = time.Minute
	// The client may fetch once before its partitions are paused. Nothing reads that
	// answer, so the client asks for one byte.
	c.Consumer.Fetch.Default = 1
	// The broker's copy of the position is for people and tools. A commit in the
	// background never waits behind a long poll for its connection.
	c.Consumer.Offsets.AutoCommit.Enable = true
	c.Consumer.Offsets.AutoCommit.Interval = time.Second
	return c
}
