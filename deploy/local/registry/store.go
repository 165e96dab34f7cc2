package registry

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/quintet-eda/quintet/schemas/compat"
)

// Version is a schema registered under a subject.
type Version struct {
	Subject string `json:"subject"`
	ID      int    `json:"id"`
	Version int    `json:"version"`
	Schema  string `json:"schema"`
	deleted bool   // softly: readable by id and with deleted=true
}

// Store holds subjects, their versions and compatibility levels, in memory and in a
// file.
type Store struct {
	mu       sync.Mutex
	file     *os.File
	fallback compat.Level            // the global level where none was set
	levels   map[string]compat.Level // by subject; "" is the global one
	subjects map[string][]Version    // versions ascending
	ids      map[string]int          // by canonical text; an id is never given to another schema
	lastID   int
}

// Open reads the file, and creates it when missing. Subjects without a level of their
// own have the fallback.
func Open(path string, fallback compat.Level) (*Store, error) {
	file, changes, err := openFile(path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		file:     file,
		fallback: fallback,
		levels:   make(map[string]compat.Level),
		subjects: make(map[string][]Version),
		ids:      make(map[string]int),
	}
	for _, c := range changes {
		if err := s.apply(c); err != nil {
			_ = file.Close()
			return nil, err
		}
	}
	return s, nil
}

// Close releases the file.
func (s *Store) Close() { _ = s.file.Close() }

// record makes a change durable, then visible.
func (s *Store) record(c change) error {
	if err := appendChange(s.file, c); err != nil {
		return err
	}
	return s.apply(c)
}

func (s *Store) apply(c change) error {
	switch c.Op {
	case "register":
		text, err := canonical(c.Schema)
		if err != nil {
			return err
		}
		s.ids[text] = c.ID
		s.lastID = max(s.lastID, c.ID)
		s.subjects[c.Subject] = append(s.subjects[c.Subject],
			Version{Subject: c.Subject, ID: c.ID, Version: c.Versions[0], Schema: c.Schema})
	case "delete":
		s.applyDelete(c)
	case "config":
		s.levels[c.Subject] = c.Level
		if c.Level == "" {
			delete(s.levels, c.Subject)
		}
	}
	return nil
}

func (s *Store) applyDelete(c change) {
	versions := s.subjects[c.Subject]
	if c.Permanent {
		versions = slices.DeleteFunc(versions, func(v Version) bool { return slices.Contains(c.Versions, v.Version) })
	}
	for i := range versions {
		if slices.Contains(c.Versions, versions[i].Version) {
			versions[i].deleted = true
		}
	}
	s.subjects[c.Subject] = versions
	if len(versions) == 0 {
		delete(s.subjects, c.Subject)
	}
}

// Register adds a schema to a subject and returns its id. A schema that the subject
// already has keeps its version. It returns a [compat.Error] when the schema breaks the
// subject's level, and a [compat.ErrSchema] for invalid Avro.
func (s *Store) Register(subject, schema string) (int, error) {
	text, err := canonical(schema)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, known := s.ids[text]
	if known && slices.ContainsFunc(s.subjects[subject], func(v Version) bool { return v.ID == id && !v.deleted }) {
		return id, nil
	}
	if err := compat.Check(s.level(subject), schema, texts(s.live(subject))); err != nil {
		return 0, err
	}
	if !known {
		id = s.lastID + 1
	}
	next := 1
	for _, v := range s.subjects[subject] { // also the softly deleted: their numbers stay theirs
		next = max(next, v.Version+1)
	}
	return id, s.record(change{Op: "register", Subject: subject, Versions: []int{next}, ID: id, Schema: schema})
}

// Compatible checks a schema against one version. When version is 0, it checks against
// all versions that the subject's level compares with. It returns the same errors as
// [Store.Register].
func (s *Store) Compatible(subject string, version int, schema string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	previous := s.live(subject)
	if version != 0 {
		previous = slices.DeleteFunc(previous, func(v Version) bool { return v.Version != version })
	}
	return compat.Check(s.level(subject), schema, texts(previous))
}

// Lookup finds the schema among the subject's versions.
func (s *Store) Lookup(subject, schema string, deleted bool) (Version, bool, error) {
	text, err := canonical(schema)
	if err != nil {
		return Version{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := s.ids[text]
	for _, v := range slices.Backward(s.subjects[subject]) {
		if v.ID == id && (deleted || !v.deleted) {
			return v, true, nil
		}
	}
	return Version{}, false, nil
}

// Versions returns all versions of a subject, oldest first, softly deleted ones included.
func (s *Store) Versions(subject string) []Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subjects[subject])
}

// All returns every version of every subject, ordered by subject and version, softly
// deleted ones included.
func (s *Store) All() []Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Concat(slices.Collect(maps.Values(s.subjects))...)
	slices.SortFunc(all, func(a, b Version) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Version, b.Version))
	})
	return all
}

// Delete removes versions of a subject: from view, or for ever when permanent.
func (s *Store) Delete(subject string, versions []int, permanent bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.record(change{Op: "delete", Subject: subject, Versions: versions, Permanent: permanent})
}

// Level returns the level in force for a subject ("" is the global one), and whether it
// is the subject's own.
func (s *Store) Level(subject string) (level compat.Level, own bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, own = s.levels[subject]
	return s.level(subject), own
}

// SetLevel sets a subject's level ("" is the global one); an empty level removes it. A
// level that is already set is not written again.
func (s *Store) SetLevel(subject string, level compat.Level) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.levels[subject] == level {
		return nil
	}
	return s.record(change{Op: "config", Subject: subject, Level: level})
}

func (s *Store) level(subject string) compat.Level {
	return cmp.Or(s.levels[subject], s.levels[""], s.fallback)
}

func (s *Store) live(subject string) []Version {
	return slices.DeleteFunc(slices.Clone(s.subjects[subject]), func(v Version) bool { return v.deleted })
}

func texts(versions []Version) []string {
	schemas := make([]string, len(versions))
	for i, v := range versions {
		schemas[i] = v.Schema
	}
	return schemas
}
