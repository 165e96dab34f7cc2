// Package broker runs the embedded stack's Kafka broker: franz-go's kfake as a process,
// with its log on disk.
//
// SIGTERM, and kill -9 at any instant, lose no acknowledged record, topic, committed
// offset or static member. The broker writes each to its file before it sends the
// answer. So the operating system holds it when the process is gone. A batch may be
// written and not yet acknowledged. The broker appends it a second time when the
// producer repeats it, and the consumers' inboxes drop the copy. After a kill (not
// after SIGTERM) the members of groups join anew.
//
// A power cut loses as little with [Config.SyncWrites]. Without it, a power cut loses
// acknowledged records of about the last 30 s (the kernel's write-back time). An Apache
// Kafka does the same if all of its replicas lose power.
//
// One process runs per data directory; the starter of the broker ensures that.
package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Config is the configuration of the broker from the environment.
type Config struct {
	PortBase   int    `env:"PORT_BASE" envDefault:"8000"` // the broker listens on 127.0.0.1, port base + 1092
	DataDir    string `env:"DATA_DIR,required,notEmpty"`
	SyncWrites bool   `env:"SYNC_WRITES"` // fsync each batch before its acknowledgement
}

// Port returns the broker's port for a given port base.
func Port(portBase int) int { return portBase + 1092 }

// Run serves until ctx ends, then writes its state and returns nil. It returns an error
// when the port is taken or the data directory cannot be read.
func Run(ctx context.Context, cfg Config, log *slog.Logger) error {
	opts := []kfake.Opt{
		kfake.Ports(Port(cfg.PortBase)), // one port: one broker
		kfake.ClusterID("quintet-local"),
		kfake.DataDir(cfg.DataDir),
		kfake.WithLogger(warnings{log}),
		// kfake deletes after seven days by default. A partition that has lost all
		// records restarts at offset 0 when it is loaded. That is before every stored
		// position of the services.
		kfake.BrokerConfigs(map[string]string{"log.retention.ms": "-1"}),
	}
	if cfg.SyncWrites {
		opts = append(opts, kfake.SyncWrites())
	}
	if err := forgetSequences(cfg.DataDir); err != nil {
		return err
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		return fmt.Errorf("start broker in %s: %w", cfg.DataDir, err)
	}
	defer cluster.Close()

	debug.FreeOSMemory() // loading after a kill reads every log segment; none of it is needed again

	<-ctx.Done()
	return nil
}

// forgetSequences removes the producers' sequence windows that the last clean stop
// wrote, before kfake loads them.
//
// kfake writes them at a clean stop only, but loads them at every start. (1) Clean
// stop: the file states that producer P continues at 100. (2) Start: P goes on to 200.
// (3) kill -9. (4) Start: kfake reads the file again, and the broker refuses P's 200 as
// out of order. Without the file the broker accepts any first sequence of P. A Kafka
// broker does the same for a producer that it does not know.
func forgetSequences(dataDir string) error {
	err := os.Remove(filepath.Join(dataDir, "seq_windows.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove old sequence windows: %w", err)
	}
	return nil
}

// warnings passes kfake's warnings and errors on and drops the rest.
type warnings struct{ log *slog.Logger }

func (w warnings) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		w.log.Error(fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		w.log.Warn(fmt.Sprintf(format, args...))
	}
}
