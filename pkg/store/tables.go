package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"strings"
)

// tables spells migrations for one database. One text serves both databases. Their
// spellings differ in a few words, and in lines that begin with a database's name.
type tables struct {
	fs.FS
	line  *regexp.Regexp // of this database
	other *regexp.Regexp // of the other
	words func(text []byte) []byte
}

var (
	withoutRowID = regexp.MustCompile(`\)\s*WITHOUT ROWID\s*;`)
	blob         = regexp.MustCompile(`\bBLOB\b`)
	ofSQLite     = regexp.MustCompile(`(?m)^--sqlite: `)
	ofPostgres   = regexp.MustCompile(`(?m)^--postgres: `)
	notSQLite    = regexp.MustCompile(`(?m)^--postgres: .*\n`)
	notPostgres  = regexp.MustCompile(`(?m)^--sqlite: .*\n`)
)

func postgresWords(text []byte) []byte {
	return blob.ReplaceAll(withoutRowID.ReplaceAll(text, []byte(");")), []byte("BYTEA"))
}

// Open opens a migration in its new spelling, and any other file as it is.
func (t tables) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read migration %s: %w", name, errors.Join(err, f.Close()))
	}
	text = t.words(t.line.ReplaceAll(t.other.ReplaceAll(text, nil), nil))
	return respelled{File: f, text: strings.NewReader(string(text))}, nil
}

// respelled is a file with another text.
type respelled struct {
	fs.File
	text *strings.Reader
}

func (r respelled) Read(p []byte) (int, error) { return r.text.Read(p) }
