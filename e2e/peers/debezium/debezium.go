// Package debezium publishes what services put into an outbox table: Debezium reads it
// from the database's log, in one Kafka Connect worker for all of them.
package debezium

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Table is the outbox. Its columns are topic, key, value and one for each header.
const Table = "outbox_logged"

// Headers are those of an event, each a column of [Table].
var Headers = []string{
	"ce_id", "ce_source", "ce_specversion", "ce_type", "ce_time", "ce_subject", "ce_dataschema",
	"content-type", "ce_sequence", "ce_correlationid", "ce_tenant", "ce_causationid", "traceparent",
}

// Column is a header's in [Table].
func Column(header string) string { return strings.ReplaceAll(header, "-", "_") }

// Worker is a Kafka Connect worker with a connector for each database.
type Worker struct {
	Jars      string   // directory; see pom.xml
	Dir       string   // of its own, for settings and offsets
	Brokers   string   // host:port, with commas
	REST      string   // host:port
	Databases []string // URLs for a superuser, one for each service
}

// Command is how the worker is run. It writes the settings that it will read.
func (w Worker) Command() (*exec.Cmd, error) {
	args := []string{
		"-Xmx256m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(w.Jars, "*"), "org.apache.kafka.connect.cli.ConnectStandalone",
	}
	files := [][]string{w.worker()}
	for _, database := range w.Databases {
		settings, err := connector(database)
		if err != nil {
			return nil, err
		}
		files = append(files, settings)
	}
	for i, lines := range files {
		path := filepath.Join(w.Dir, fmt.Sprintf("%d.properties", i))
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			return nil, err
		}
		args = append(args, path)
	}
	return exec.Command("java", args...), nil
}

func (w Worker) worker() []string {
	return []string{
		"bootstrap.servers=" + w.Brokers,
		"listeners=http://" + w.REST,
		"key.converter=org.apache.kafka.connect.storage.StringConverter",
		"value.converter=org.apache.kafka.connect.converters.ByteArrayConverter",
		"header.converter=org.apache.kafka.connect.storage.StringConverter",
		"offset.storage.file.filename=" + filepath.Join(w.Dir, "offsets"),
		"plugin.discovery=only_scan",
		// Connect's own default waits 5 ms for company; so does a client of today.
		"producer.linger.ms=5",
	}
}

// connector is one database's outbox, read and routed.
func connector(database string) ([]string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return nil, fmt.Errorf("address of a database: %w", err)
	}
	password, _ := u.User.Password()
	name := strings.TrimPrefix(u.Path, "/")
	var placed []string
	for _, header := range Headers {
		placed = append(placed, Column(header)+":header:"+header)
	}
	return slices.Concat([]string{
		"name=" + name,
		"connector.class=io.debezium.connector.postgresql.PostgresConnector",
		"tasks.max=1",
		"database.hostname=" + u.Hostname(),
		"database.port=" + u.Port(),
		"database.user=" + u.User.Username(),
		"database.password=" + password,
		"database.dbname=" + name,
		"topic.prefix=" + name,
		"plugin.name=pgoutput",
		"slot.name=outbox_" + name,
		"publication.name=outbox_" + name, // quoted by nobody, so "order" would not do,
		"publication.autocreate.mode=filtered",
		"table.include.list=public." + Table,
		"snapshot.mode=no_data",
		"skipped.operations=u,d,t",
		"tombstones.on.delete=false",
		// By default Debezium gathers for half a second when it has caught up.
		"poll.interval.ms=10",
		"transforms=outbox",
		"transforms.outbox.type=io.debezium.transforms.outbox.EventRouter",
		"transforms.outbox.table.field.event.id=id",
		"transforms.outbox.table.field.event.key=key",
		"transforms.outbox.table.field.event.payload=value",
		"transforms.outbox.route.by.field=topic",
		"transforms.outbox.route.topic.replacement=${routedByValue}",
		"transforms.outbox.table.fields.additional.placement=" + strings.Join(placed, ","),
	}), nil
}
