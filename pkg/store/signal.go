package store

import (
	"context"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
)

// channel is the channel on which the processes of one database wake each other.
const channel = "quintet"

// Signal notifies every process that listens to this database, this one too. It is
// a hint: a signal without a listener is lost. The payload must be shorter than 8,000
// bytes. Call Signal after the commit, once for all that was committed. A NOTIFY takes
// a lock that the whole server shares until its transaction ends. So it has a
// transaction of its own, which waits for no disk.
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

// Listen calls heard for each signal until ctx ends. It uses a connection of its own,
// and opens it again whenever it breaks. After each opening it calls connected: earlier
// signals may be lost, and from there on none is. One goroutine calls both functions,
// one after the other, and a call holds up those that follow.
func (db *DB) Listen(ctx context.Context, heard func(payload string), connected func()) {
	if db.simulated != nil {
		db.simulated.listen(ctx, heard, connected)
		return
	}
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval = 50*time.Millisecond, 2*time.Second
	for ctx.Err() == nil {
		// The cause of the break is not reported: a fault of the database shows,
		// and is logged, where a transaction fails.
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
