package bench

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/quintet-eda/quintet/deploy/local"
)

// ours are a Quintet service's counters, with their names in a report.
var ours = map[string]string{
	"quintet_batch_inputs_count":      "batches committed",
	"quintet_store_statements_total":  "statements",
	"quintet_store_round_trips_total": "trips to the database",
	"go_memstats_mallocs_total":       "allocations",
	"go_memstats_alloc_bytes_total":   "bytes allocated",
}

// counted are the counters, by name. For peers they are the database server's alone, since
// a peer's own counters are unknown.
func (s *System) counted(ctx context.Context) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	all := map[string]float64{}
	if s.admin != "" {
		of, err := postgresCounters(ctx, s.admin)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, of)
	}
	if s.arm.Proof != OfStates {
		return all, nil
	}
	for _, stack := range slices.Concat([]*local.Stack{s.stack}, s.more) {
		for _, service := range s.arm.services {
			if err := addCounters(ctx, all, stack.URL(service)+"/metrics"); err != nil {
				return nil, err
			}
		}
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
	var commits, written, syncs, wal float64
	err = db.QueryRow(ctx, `SELECT (SELECT sum(xact_commit) FROM pg_stat_database)::float8,
		(SELECT sum(tup_inserted + tup_updated + tup_deleted) FROM pg_stat_database)::float8,
		(SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal')::float8,
		(SELECT wal_bytes FROM pg_stat_wal)::float8`).Scan(&commits, &written, &syncs, &wal)
	if err != nil {
		return nil, fmt.Errorf("read PostgreSQL's counters: %w", err)
	}
	return map[string]float64{"transactions": commits, "rows written": written, "log syncs": syncs, "log KiB": wal / 1024}, nil
}

// addCounters reads a service's metrics, and adds ours to a sum.
func addCounters(ctx context.Context, sum map[string]float64, address string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	found := 0
	lines := bufio.NewScanner(io.LimitReader(res.Body, 1<<20))
	for lines.Scan() {
		metric, text, _ := strings.Cut(lines.Text(), " ")
		name, known := ours[metric]
		if !known {
			continue
		}
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", address, metric, err)
		}
		sum[name] += n
		found++
	}
	if err := lines.Err(); err != nil || found != len(ours) {
		return fmt.Errorf("%s has %d of %d counters: %w", address, found, len(ours), cmp.Or(err, io.ErrUnexpectedEOF))
	}
	return nil
}

// perOrder is the growth of the counters, for each of n orders.
func perOrder(from, to map[string]float64, n int) map[string]float64 {
	grown := map[string]float64{}
	for name, count := range to {
		grown[name] = (count - from[name]) / float64(n)
	}
	return grown
}
