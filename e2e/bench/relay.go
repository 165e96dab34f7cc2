package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// jars is the directory of the relay's Java archives.
func jars(relay string) string { return filepath.Join(filepath.Dir(relay), "connect") }

// relay starts the program that publishes from the databases' logs. It returns when the
// program reads each database: entries logged before that are not published.
func (s *System) relay(ctx context.Context, c *containers, dir string) error {
	dir = filepath.Join(dir, "relay")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	rest, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0") // a free port
	if err != nil {
		return err
	}
	args := []string{dir, rest.Addr().String()}
	for _, service := range s.arm.services {
		args = append(args, c.superuser(service))
	}
	said, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return errors.Join(err, rest.Close())
	}
	s.down = append(s.down, said.Close)
	cmd := exec.Command(s.arm.relay, args...)
	cmd.Env = append(os.Environ(), "KAFKA_BROKERS="+c.broker())
	cmd.Stdout, cmd.Stderr = said, said
	if err := errors.Join(rest.Close(), cmd.Start()); err != nil {
		return fmt.Errorf("start relay: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	s.down = append(s.down, func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		return <-ended
	})
	s.parts["relay"] = []int{cmd.Process.Pid}
	db, err := pgx.Connect(ctx, s.admin)
	if err != nil {
		return err
	}
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for reading := 0; reading < len(s.arm.services) && err == nil; {
		select {
		case <-look.C:
			err = db.QueryRow(ctx, `SELECT count(*) FROM pg_replication_slots WHERE active`).Scan(&reading)
		case <-ctx.Done():
			text, _ := os.ReadFile(said.Name()) // its output helps, if there is any
			err = fmt.Errorf("the relay reads %d of %d databases: %w: %s", reading, len(s.arm.services), ctx.Err(), text)
		}
	}
	return errors.Join(err, db.Close(context.WithoutCancel(ctx)))
}
