package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// counted are the databases' counters, by name.
func (s *System) counted(ctx context.Context) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if s.admin != "" {
		return postgresCounters(ctx, s.admin)
	}
	if s.arm.Proof != OfStates {
		return nil, nil // what others count is not known
	}
	all := map[string]float64{}
	for _, service := range s.arm.services {
		n, err := counter(ctx, s.stack.URL(service)+"/metrics", "quintet_batch_inputs_count ")
		if err != nil {
			return nil, err
		}
		all["batches committed"] += n
	}
	return all, nil
}

// postgresCounters are of all databases of the server. Reading the counters is a
// transaction of its own, which is one in thousands.
func postgresCounters(ctx context.Context, address string) (map[string]float64, error) {
	db, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("read PostgreSQL's counters: %w", err)
	}
	defer func() { _ = db.Close(ctx) }() // reading leaves nothing to lose
	var commits, syncs, wal float64
	err = db.QueryRow(ctx, `SELECT (SELECT sum(xact_commit) FROM pg_stat_database)::float8,
		(SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal')::float8,
		(SELECT wal_bytes FROM pg_stat_wal)::float8`).Scan(&commits, &syncs, &wal)
	if err != nil {
		return nil, fmt.Errorf("read PostgreSQL's counters: %w", err)
	}
	return map[string]float64{"transactions": commits, "log syncs": syncs, "log KiB": wal / 1024}, nil
}

// counter reads one number of a service's metrics.
func counter(ctx context.Context, address, name string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(io.LimitReader(res.Body, 1<<20))
	for lines.Scan() {
		if text, is := strings.CutPrefix(lines.Text(), name); is {
			return strconv.ParseFloat(text, 64)
		}
	}
	return 0, fmt.Errorf("%s has no %s", address, name)
}

// perOrder is what the counters grew by, for each of n orders.
func perOrder(from, to map[string]float64, n int) map[string]float64 {
	grown := map[string]float64{}
	for name, count := range to {
		grown[name] = (count - from[name]) / float64(n)
	}
	return grown
}
