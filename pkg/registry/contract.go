// Package registry turns Go values into the bytes of a Kafka record and back. Their
// schemas are compiled into the binary and registered in a schema registry.
//
// A value is in Confluent's wire format: a zero byte, the schema's id, and one Avro
// datum. The id takes four bytes, big endian. The id alone is not trusted: a registry
// that lost its memory assigns old ids anew. A datum read under another schema may
// decode without an error into nonsense. Each record therefore also carries its writer
// schema's fingerprint, and the fingerprint decides:
//
//   - a fingerprint that is compiled in decodes without the registry;
//   - any other schema is fetched by id and must have that fingerprint;
//   - a record without a fingerprint (by a foreign producer) has only its id. It cannot
//     be distinguished from a record under a reassigned id. So its reader must compare
//     [Writer.Name] with the expected name, and [Writer.Topic] with the record's topic.
//     Two records of one topic with the same fields stay alike.
//
// Bytes from a topic are hostile until proven otherwise. [Codec.Writer] walks a datum
// under its writer's schema, without allocating, before anything decodes it; see
// [MaxBytes], [MaxNodes] and [MaxDepth].
package registry

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/linkedin/goavro/v2"
	"github.com/twmb/avro"
)

const fingerprintPrefix = "urn:avro:sha256:"

// Schema is one version of one record's schema. It is immutable, and safe for
// concurrent use.
type Schema struct {
	Owner       string // the service that emits the record; empty for a schema that is not compiled in
	Event       string // the record's name without its namespace
	Name        string // the record's full name
	Version     int    // from 1; 0 for a schema that is not compiled in
	Text        string // the schema as its author wrote it
	Fingerprint string // of the parsing canonical form: "urn:avro:sha256:" and 64 hexadecimal digits

	avro    *avro.Schema
	shape   *shape
	generic func() (*goavro.Codec, error)
}

// Topic returns the topic on which the owner publishes its records.
func (s *Schema) Topic() string { return s.Owner + ".events" }

// Subject returns the schema's name in the registry, by Confluent's
// TopicRecordNameStrategy. So one topic carries several record types and each evolves
// by itself.
func (s *Schema) Subject() string { return s.Topic() + "-" + s.Name }

// parse compiles the schema of a record. Any other schema at the top (an enum, a
// string) is an error. It has no name by which a reader could be found.
func parse(text string) (*Schema, error) {
	compiled, err := avro.Parse(text)
	if err != nil {
		return nil, err
	}
	canonical := compiled.Canonical()
	var top struct{ Name, Type string }
	if err := json.Unmarshal(canonical, &top); err != nil || top.Type != "record" {
		return nil, errors.New("not the schema of a record")
	}
	shape, err := newShape(canonical)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(canonical)
	return &Schema{
		Event:       top.Name[strings.LastIndexByte(top.Name, '.')+1:],
		Name:        top.Name,
		Text:        text,
		Fingerprint: fingerprintPrefix + hex.EncodeToString(sum[:]),
		avro:        compiled,
		shape:       shape,
		generic: sync.OnceValues(func() (*goavro.Codec, error) {
			return goavro.NewCodecForStandardJSONFull(text)
		}),
	}, nil
}

// Contract is every schema that is compiled in. It is immutable.
type Contract struct {
	schemas       []*Schema // by owner, event, version
	latest        map[string]*Schema
	byFingerprint map[string]*Schema
}

var versionFile = regexp.MustCompile(`^v([1-9][0-9]{0,3})\.avsc$`)

// Load reads every <owner>/<Event>/v<N>.avsc of fsys, and nothing else. It refuses a
// file whose record is not named <namespace>.<owner>.<Event>, and a gap in an event's
// versions. It reports all such problems at once.
func Load(fsys fs.FS) (*Contract, error) {
	files, err := fs.Glob(fsys, "*/*/v*.avsc")
	if err != nil {
		return nil, fmt.Errorf("list schemas: %w", err)
	}
	c := &Contract{latest: map[string]*Schema{}, byFingerprint: map[string]*Schema{}}
	var problems []error
	for _, file := range files {
		s, err := loadFile(fsys, file)
		if err != nil {
			problems = append(problems, fmt.Errorf("load schema %s: %w", file, err))
			continue
		}
		c.schemas = append(c.schemas, s)
	}
	slices.SortFunc(c.schemas, func(a, b *Schema) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Event, b.Event), cmp.Compare(a.Version, b.Version))
	})
	for _, s := range c.schemas {
		before := 0
		if l := c.latest[s.Name]; l != nil {
			before = l.Version
		}
		if s.Version != before+1 {
			problems = append(problems, fmt.Errorf("load schema %s/%s: v%d follows v%d", s.Owner, s.Event, s.Version, before))
		}
		c.latest[s.Name] = s
		c.byFingerprint[s.Fingerprint] = s
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return c, nil
}

func loadFile(fsys fs.FS, file string) (*Schema, error) {
	text, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	version := versionFile.FindStringSubmatch(path.Base(file))
	if version == nil {
		return nil, errors.New("not named v<N>.avsc")
	}
	s, err := parse(string(text))
	if err != nil {
		return nil, err
	}
	dir := strings.Split(file, "/")
	s.Owner = dir[0]
	s.Version, _ = strconv.Atoi(version[1]) // at most four digits, the pattern says
	if want := "." + dir[0] + "." + dir[1]; !strings.HasSuffix("."+s.Name, want) {
		return nil, fmt.Errorf("its record is named %s, which does not end in %s", s.Name, want[1:])
	}
	return s, nil
}

// Schemas lists all schemas by owner, event and version. The caller must not
// change the slice.
func (c *Contract) Schemas() []*Schema { return c.schemas }

// Latest is the highest version of a record's schema, or nil when the record is
// not in the contract.
func (c *Contract) Latest(name string) *Schema { return c.latest[name] }
