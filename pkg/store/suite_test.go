package store_test

import (
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/quintet-eda/quintet/pkg/store"
)

// opener opens a database of the test's own, without tables.
type opener func(t *testing.T) *store.DB

// suite is what every database must do. It runs on SQLite always, and on a real
// PostgreSQL server with the build tag "containers".
func suite(t *testing.T, open opener) {
	for name, test := range map[string]func(*testing.T, opener){
		"what is queued runs in its order":                               whatIsQueuedRunsInItsOrder,
		"what is queued fails before the commit":                         whatIsQueuedFailsBeforeTheCommit,
		"bulk writes every row in few statements":                        bulkWritesEveryRowInFewStatements,
		"bulk stays below the bound of parameters":                       bulkStaysBelowTheBoundOfParameters,
		"keys are found as they were written":                            keysAreFoundAsTheyWereWritten,
		"keys can be left out":                                           keysCanBeLeftOut,
		"text is ordered by its bytes":                                   textIsOrderedByItsBytes,
		"pages by key neither skip nor repeat":                           pagesByKeyNeitherSkipNorRepeat,
		"values come back in the types they went in with":                valuesComeBackInTheTypesTheyWentInWith,
		"a question mark in quotes is text":                              aQuestionMarkInQuotesIsText,
		"a text with a NUL byte is kept or is the fault of its input":    aTextWithANULByteIsKeptOrIsTheFaultOfItsInput,
		"a text that cannot be stored is found nowhere":                  aTextThatCannotBeStoredIsFoundNowhere,
		"what is the data's fault is not transient":                      whatIsTheDatasFaultIsNotTransient,
		"a table that is missing is nobody's fault":                      aTableThatIsMissingIsNobodysFault,
		"a commit that fails is of unknown outcome, and the next works":  aCommitThatFailsIsOfUnknownOutcomeAndTheNextWorks,
		"a transaction past its time is whole or not":                    aTransactionPastItsTimeIsWholeOrNot,
		"a scan that panics does not hold the connection":                aScanThatPanicsDoesNotHoldTheConnection,
		"close waits for an open transaction":                            closeWaitsForAnOpenTransaction,
		"readers see committed rows while a transaction is open":         readersSeeCommittedRowsWhileATransactionIsOpen,
		"readers cannot write":                                           readersCannotWrite,
		"migrations run once, also beside a writer that began before":    migrationsRunOnceAlsoBesideAWriterThatBeganBefore,
		"a migration that fails leaves nothing behind":                   aMigrationThatFailsLeavesNothingBehind,
		"the version before starts on a newer schema, and works with it": theVersionBeforeStartsOnANewerSchemaAndWorksWithIt,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

func TestSQLite(t *testing.T) {
	suite(t, func(t *testing.T) *store.DB {
		t.Helper()
		return openAt(t, filepath.Join(t.TempDir(), "deep", "test.db"))
	})
}

func openAt(t *testing.T, where string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), where)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() { // one that failed may have left a transaction open, which Close waits for
			_ = db.Close() // the test may have closed it
		}
	})
	return db
}

var boxes = tables(`CREATE TABLE boxes (id BIGINT PRIMARY KEY, n BIGINT NOT NULL CHECK (n >= 0)) WITHOUT ROWID;`)

// tables is a set of migrations, the oldest first.
func tables(migrations ...string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, m := range migrations {
		files[string(rune('1'+i))+"_tables.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + m + "\n")}
	}
	return files
}

func migrate(t *testing.T, db *store.DB, files fstest.MapFS) *store.DB {
	t.Helper()
	if err := db.Migrate(t.Context(), "own", files); err != nil {
		t.Fatal(err)
	}
	return db
}

func begin(t *testing.T, db *store.DB) *store.Tx {
	t.Helper()
	tx, err := db.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

func exec(t *testing.T, tx *store.Tx, query string, args ...any) {
	t.Helper()
	if err := tx.Exec(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, tx *store.Tx) {
	t.Helper()
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// run commits one statement.
func run(t *testing.T, db *store.DB, query string, args ...any) {
	t.Helper()
	if err := try(t, db, query, args...); err != nil {
		t.Fatal(err)
	}
}

// try commits one statement, unless it fails.
func try(t *testing.T, db *store.DB, query string, args ...any) error {
	tx, err := db.Begin(t.Context())
	if err != nil {
		return err
	}
	if err := tx.Exec(t.Context(), query, args...); err != nil {
		tx.Rollback(err)
		return err
	}
	return tx.Commit(t.Context())
}

const insertBox = `INSERT INTO boxes (id, n) VALUES (?, ?)`

func countBoxes(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	if err := db.Read().QueryRowContext(t.Context(), `SELECT count(*) FROM boxes`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// texts reads one column of text.
func texts(t *testing.T, db *store.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Read().QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		found = append(found, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
