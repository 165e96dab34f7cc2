// Package service holds the parts around a participant that all services share. They
// are configuration, wiring, an HTTP API with lookups and streams of states, pending
// work, and the order of a stop.
package service

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/quintet-eda/quintet/pkg/flow"
	"github.com/quintet-eda/quintet/pkg/kafka"
)

// Config holds the settings that every service reads from its environment.
type Config struct {
	PortBase    int           `env:"PORT_BASE" envDefault:"8000"`
	HTTPAddr    string        `env:"HTTP_ADDR"`           // default 127.0.0.1:PORT_BASE+n
	DataDir     string        `env:"DATA_DIR"`            // default .quintet/<service>
	Database    string        `env:"DATABASE_URL"`        // postgres://...; default: an SQLite file in DATA_DIR
	Brokers     []string      `env:"KAFKA_BROKERS"`       // default 127.0.0.1:PORT_BASE+1092
	Registry    string        `env:"SCHEMA_REGISTRY_URL"` // default http://127.0.0.1:PORT_BASE+81
	Instance    string        `env:"INSTANCE_ID"`         // default <service>-<host name>: the same after a restart
	Partitions  int32         `env:"TOPIC_PARTITIONS" envDefault:"12"`
	Replication int16         `env:"TOPIC_REPLICATION" envDefault:"1"`
	OutboxBound int           `env:"OUTBOX_BOUND" envDefault:"50000"` // unpublished events above which commands are refused
	ParkDelay   time.Duration `env:"PARK_RETRY_DELAY" envDefault:"5s"`
	ParkTries   int           `env:"PARK_RETRY_ATTEMPTS" envDefault:"5"`
	StopTime    time.Duration `env:"STOP_TIMEOUT" envDefault:"10s"`
	LogLevel    slog.Level    `env:"LOG_LEVEL" envDefault:"INFO"`
	ProfileAddr string        `env:"PROFILE_ADDR"` // the address of net/http/pprof; default: none
}

// Problems lists every fault of a configuration. With one fault at a time, an operator
// would have to start the service once for each.
type Problems []string

// Unless adds a problem unless the setting is right. The problem begins with the
// variable's name. A variable that could not be read has no value to be wrong.
func (p *Problems) Unless(right bool, problem string) {
	variable, _, _ := strings.Cut(problem, " ")
	unread := slices.ContainsFunc(*p, func(have string) bool { return strings.HasPrefix(have, variable+" cannot be read") })
	if !right && !unread {
		*p = append(*p, problem)
	}
}

// URL adds a problem unless the text is an http or https URL.
func (p *Problems) URL(variable, text string) {
	u, err := url.Parse(text)
	p.Unless(err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", variable+" must be an http or https URL")
}

// Err is the configuration's error; nil when nothing is wrong.
func (p Problems) Err(service string) error {
	if len(p) == 0 {
		return nil
	}
	return fmt.Errorf("configuration of %s: %s", service, strings.Join(p, "; "))
}

// Calls bounds the calls to one outside party. A configuration has it with a prefix,
// and with default values.
type Calls struct {
	Timeout  time.Duration `env:"TIMEOUT"`  // of one attempt
	Attempts int           `env:"ATTEMPTS"` // before a call is given up
	Budget   time.Duration `env:"BUDGET"`   // from the first attempt on, before a call is given up
}

// Check adds the faults of c. The names of its variables begin with prefix.
func (c Calls) Check(prefix string, p *Problems) {
	p.Unless(c.Timeout > 0, prefix+"TIMEOUT must be positive")
	p.Unless(c.Attempts >= 1, prefix+"ATTEMPTS must be at least 1")
	p.Unless(c.Budget > 0, prefix+"BUDGET must be positive")
}

// Policy returns the policy of a call that ends when its budget is spent.
func (c Calls) Policy() flow.Policy {
	return flow.Policy{Timeout: c.Timeout, Attempts: c.Attempts, MaxElapsed: c.Budget}
}

// Load reads a configuration that embeds Config, and fills in the defaults that
// follow from the service and its port.
func Load(into any, common *Config, service string, n int) Problems {
	var wrong Problems
	var several env.AggregateError
	if err := env.Parse(into); errors.As(err, &several) {
		for _, err := range several.Errors {
			wrong = append(wrong, describe(err, into))
		}
	} else if err != nil {
		wrong = append(wrong, err.Error())
	}
	host, err := os.Hostname()
	wrong.Unless(err == nil || common.Instance != "", "INSTANCE_ID must be set, since the host has no name")
	common.HTTPAddr = cmp.Or(common.HTTPAddr, fmt.Sprintf("127.0.0.1:%d", common.PortBase+n))
	common.DataDir = cmp.Or(common.DataDir, filepath.Join(".quintet", service))
	common.Registry = cmp.Or(common.Registry, fmt.Sprintf("http://127.0.0.1:%d", common.PortBase+81))
	common.Instance = cmp.Or(common.Instance, service+"-"+host)
	if len(common.Brokers) == 0 {
		common.Brokers = []string{fmt.Sprintf("127.0.0.1:%d", common.PortBase+1092)}
	}
	wrong.Unless(common.PortBase >= 1024 && common.PortBase <= 60000, "PORT_BASE must be between 1024 and 60000")
	wrong.Unless(common.Partitions >= 1, "TOPIC_PARTITIONS must be at least 1")
	wrong.Unless(common.Replication >= 1, "TOPIC_REPLICATION must be at least 1")
	wrong.Unless(common.OutboxBound >= 1, "OUTBOX_BOUND must be at least 1")
	wrong.Unless(common.ParkDelay > 0, "PARK_RETRY_DELAY must be positive")
	wrong.Unless(common.ParkTries >= 1, "PARK_RETRY_ATTEMPTS must be at least 1")
	wrong.Unless(common.Database == "" || strings.HasPrefix(common.Database, "postgres://"), "DATABASE_URL must be a postgres:// URL")
	wrong.Unless(common.StopTime > 0, "STOP_TIMEOUT must be positive")
	return wrong
}

// describe names the variable that could not be read. The library names the Go
// field instead, and an operator has never seen that.
func describe(err error, config any) string {
	var unread env.ParseError
	if !errors.As(err, &unread) {
		return err.Error()
	}
	if variable := variableOf(reflect.TypeOf(config).Elem(), "", unread); variable != "" {
		return fmt.Sprintf("%s cannot be read as %s: %v", variable, unread.Type, unread.Err)
	}
	return err.Error()
}

// variableOf returns the variable of the field that could not be read. Two fields may
// have one name, under different prefixes: the variable is one that is set.
func variableOf(config reflect.Type, prefix string, unread env.ParseError) string {
	for _, f := range reflect.VisibleFields(config) {
		if below, is := f.Tag.Lookup("envPrefix"); is {
			if found := variableOf(f.Type, prefix+below, unread); found != "" {
				return found
			}
		}
		variable := prefix + f.Tag.Get("env")
		if f.Name == unread.Name && os.Getenv(variable) != "" {
			return variable
		}
	}
	return ""
}

// Local returns the default URL of a process of the same system on this machine.
func (c Config) Local(n int) string { return fmt.Sprintf("http://127.0.0.1:%d", c.PortBase+n) }

func (c Config) kafka(service string) kafka.Settings {
	return kafka.Settings{Brokers: c.Brokers, Service: service, Instance: c.Instance, Partitions: c.Partitions, Replication: c.Replication}
}
