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

// postgresTables spells migrations for PostgreSQL. They are one text for both
// databases, which differ in two words.
type postgresTables struct{ fs.FS }

var (
	withoutRowID = regexp.MustCompile(`\)\s*WITHOUT ROWID\s*;`)
	blob         = regexp.MustCompile(`\bBLOB\b`)
)

// Open opens a migration in its new spelling, and all else as it is.
func (t postgresTables) Open(name string) (fs.File, error) {
	f, err := t.FS.Open(name)
	if err != nil || path.Ext(name) != ".sql" {
		return f, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read migration %s: %w", name, errors.Join(err, f.Close()))
	}
	text = blob.ReplaceAll(withoutRowID.ReplaceAll(text, []byte(");")), []byte("BYTEA"))
	return respelled{File: f, text: strings.NewReader(string(text))}, nil
}

// respelled is a file with another text.
type respelled struct {
	fs.File
	text *strings.Reader
}

func (r respelled) Read(p []byte) (int, error) { return r.text.Read(p) }
