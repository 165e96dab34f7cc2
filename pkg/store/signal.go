package store

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
)

// channel is where the processes of one database wake each other.
const channel = "quintet"

// Signal tells every process that listens to this database, this one too. It is
// a hint: one that is sent while nobody listens is lost. The payload must be
// shorter than 8,000 bytes. Call it after the commit, once for all that was
// committed: a NOTIFY takes a lock that the whole server shares until its
// transaction ends, so it has one of its own, which waits for no disk.
func (db *DB) Signal(ctx context.Context, payload string) error {
	if err := happen(db.faults.Load().Signal); err != nil {
		return fmt.Errorf("signal: %w", err)
	}
	if db.simulated != nil {
		db.simulated.signal(payload)
		return nil
	}
	if _, err := db.read.pool.ExecContext(ctx, `SELECT pg_notify($1, $2)`, channel, payload); err != nil {
		return fmt.Errorf("signal: %w", err)
	}
	return nil
}

// Listen calls heard for each signal until ctx ends, over a connection of its
// own that it opens again whenever it breaks. After each time it calls
// connected: signals may have been missed before, none is from here on. Both are
// called by one goroutine, one after the other, and hold up those that follow.
func (db *DB) Listen(ctx context.Context, heard func(payload string), connected func()) {
	if db.simulated != nil {
		db.simulated.listen(ctx, heard, connected)
		return
	}
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval = 50*time.Millisecond, 2*time.Second
	for ctx.Err() == nil {
		// Why it broke is not told: what is wrong with the database shows, and
		// is logged, where a transaction fails.
		_ = db.listen(ctx, heard, func() {
			delay.Reset()
			connected()
		})
		select {
		case <-ctx.Done():
		case <-time.After(delay.NextBackOff()):
		}
	}
}

func (db *DB) listen(ctx context.Context, heard func(payload string), connected func()) error {
	conn, err := pgx.ConnectConfig(ctx, session(db.config, nil))
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing) // it is broken, or the process ends
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	connected()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		heard(n.Payload)
	}
}
