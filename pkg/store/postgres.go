package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3/database"
)

// postgresDialect binds a set of keys as one JSON array too. The planner cannot see
// the array's length, so a plan for five keys is right for five hundred.
func postgresDialect() dialect {
	const keys = "SELECT json_array_elements_text(?::text::json) AS key"
	words := strings.NewReplacer(
		"NOT IN ({keys})", "<> ALL (ARRAY("+keys+"))",
		"IN ({keys})", "= ANY (ARRAY("+keys+"))",
		"{keys}", keys,
		"{lock}", " FOR UPDATE",
		"{share}", " FOR KEY SHARE",
		"{free}", " FOR UPDATE SKIP LOCKED")
	return dialect{
		shared:     true,
		statement:  func(query string) string { return numbered(words.Replace(query)) },
		run:        inOneTrip,
		bound:      func(ctx context.Context) context.Context { return ctx },
		sought:     func(args []any) []any { return nowhere(zeroOrOne(args)) },
		migrations: func(files fs.FS) fs.FS { return tables{files, ofPostgres, notPostgres, postgresWords} },
		history:    database.DialectPostgres,
		discard:    true,
	}
}

// numbered writes the parameters as $1, $2 and so on. A question mark within
// quotes is text.
func numbered(query string) string {
	var b strings.Builder
	var quote rune
	n := 0
	for _, c := range query {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0 // a doubled quote opens again at once
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '?':
			n++
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
			continue
		}
		b.WriteRune(c)
	}
	return b.String()
}

// zeroOrOne binds a bool as the integer that its column holds in every database.
func zeroOrOne(args []any) []any {
	return replaced(args, func(a any) any {
		switch a {
		case true:
			return 1
		case false:
			return 0
		}
		return a
	})
}

// nowhere replaces a text that PostgreSQL cannot hold, because of a NUL or of bytes
// that are no UTF-8. The new text has a noncharacter in it, and no client writes that.
func nowhere(args []any) []any {
	const never = "\ufdd0"
	return replaced(args, func(a any) any {
		if s, is := a.(string); is {
			return strings.ReplaceAll(strings.ToValidUTF8(s, never), "\x00", never)
		}
		return a
	})
}

// replaced leaves the caller's list as it is: the lists of Bulk are parts of one.
func replaced(args []any, by func(any) any) []any {
	other := make([]any, len(args))
	for i, a := range args {
		other[i] = by(a)
	}
	return other
}

// openPostgres opens the database at a postgres:// URL. The server must be
// PostgreSQL 17 or later, its text in UTF-8 and ordered by bytes.
func openPostgres(ctx context.Context, url string) (*DB, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err) // the URL may hold a password; the error masks it
	}
	name := fmt.Sprintf("%s at %s", config.Database, net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))))
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	config.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3}}).DialContext
	read := stdlib.OpenDB(*session(config, readerSettings))
	read.SetConnMaxIdleTime(time.Minute)
	db := newDB(postgresDialect(), stdlib.OpenDB(*session(config, writerSettings)), read)
	db.config = config
	if err := db.checkOrder(ctx); err != nil {
		return nil, fmt.Errorf("open database %s: %w", name, errors.Join(err, db.Close()))
	}
	return db, nil
}

// session returns the configuration of a connection. A setting in the URL stands.
func session(config *pgx.ConnConfig, settings map[string]string) *pgx.ConnConfig {
	c := config.Copy()
	said := c.RuntimeParams
	c.RuntimeParams = maps.Clone(sessionSettings)
	maps.Copy(c.RuntimeParams, settings)
	maps.Copy(c.RuntimeParams, said)
	return c
}

// sessionSettings bound the hold of a paused process, or of a vanished host. The server
// ends a transaction that idles after 3 s. It ends a transaction that runs for ever
// after 40 s, more than a batch may take. It gives up a peer that does not answer after
// about 11 s.
var sessionSettings = map[string]string{
	"default_transaction_isolation":       "read committed",
	"idle_in_transaction_session_timeout": "3s",
	"transaction_timeout":                 "40s",
	"tcp_keepalives_idle":                 "5",
	"tcp_keepalives_interval":             "2",
	"tcp_keepalives_count":                "3",
	"tcp_user_timeout":                    "10s",
	"jit":                                 "off", // compiling costs more than any of these statements
}

// writerSettings are for batches: a batch finds its rows by key. The server keeps a
// statement's plan. A plan made while the table was empty would later read the whole
// table, until the next ANALYZE. Without sequential scans there is only one plan to make.
var writerSettings = map[string]string{
	"synchronous_commit": "on",
	"enable_seqscan":     "off",
	"plan_cache_mode":    "force_generic_plan",
}

// readerSettings are for the read pool. A signal goes out over this pool too, and is
// only a hint. A follower reads by index, as a batch does.
var readerSettings = map[string]string{
	"default_transaction_read_only": "on",
	"synchronous_commit":            "off",
	"enable_seqscan":                "off",
}

// migratorSettings are for migrations: adding an index may take long. A session that
// waits for its own paused process must not keep the other processes from starting.
var migratorSettings = map[string]string{
	"transaction_timeout":  "0",
	"idle_session_timeout": "10s",
}

// checkOrder refuses a database that orders or reads text differently from Go: batches
// take their locks in the order that the keys have there.
func (db *DB) checkOrder(ctx context.Context) error {
	var encoding string
	var byBytes bool
	row := db.read.QueryRowContext(ctx, `SELECT getdatabaseencoding(), 'Z' < 'a' AND 'a' < '~' AND 'a~' < 'b' AND 'z' < 'é'`)
	if err := row.Scan(&encoding, &byBytes); err != nil {
		return err
	}
	if encoding != "UTF8" || !byBytes {
		return fmt.Errorf("its text is %s and ordered by bytes: %t; create it with ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0", encoding, byBytes)
	}
	return nil
}
