// Package schemas is the contract between the services. It defines the events, their
// form, and the guarantees to a reader of any age.
//
// # The tree
//
// Each event has a folder <owner>/<Event>. Each version of it has a file v<N>.avsc,
// counted from 1 without gaps. Services write the highest version today. Records of the
// others still lie on the topics and are read for ever. The owner is the one service
// that emits the event. The record's full name, quintet.<owner>.<Event>, is also the
// CloudEvents type, and the subject is <owner>.events-quintet.<owner>.<Event>.
//
// Every file parses alone, so that a registry or a tool in another language needs no
// other file. The price is a copied enum. Reason.avsc states why an order did not go
// through, and each event that gives a reason holds a copy. A test holds the copies
// equal to that master.
//
// Fields may carry properties that Avro ignores and we do not. "key" marks the field
// that is the record's key on the topic. "personal" and "payment" mark fields that logs
// and listings must not show unless a user asks for them.
//
// # How it changes
//
// FULL_TRANSITIVE: every version reads every other, older and newer. A topic keeps its
// records without limit, and services are deployed one by one.
//
//   - A version that has been published is never edited. Add v<N+1>.avsc.
//   - A field may be added with a default. A field may be removed if every version that
//     has it gave it a default. So a field that might one day go should get a default
//     on its first day.
//   - Types do not change, not even int to long: the old reader could not follow.
//   - Enums have the default "unspecified" and may gain symbols; a reader without a
//     symbol sees "unspecified".
//   - Names do not change, neither of records nor of fields.
//   - Any other change is a new event with a new name.
//
// Package compat checks this for the whole tree in a test, without a registry. Package
// events holds the Go types, which "go run ./gen" writes.
package schemas

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
)

// FS holds Reason.avsc and <owner>/<Event>/v<N>.avsc.
//
//go:embed *.avsc */*/*.avsc
var FS embed.FS

// Event is one event of the contract with all its versions.
type Event struct {
	Owner    string   // the service that emits it, e.g. "order"
	Name     string   // e.g. "OrderPlaced"
	Versions []string // Avro schemas as written in the tree; version N at index N-1
}

// Type returns the full name of the event's record, e.g. "quintet.order.OrderPlaced".
func (e Event) Type() string { return "quintet." + e.Owner + "." + e.Name }

// Latest returns the schema that is written today.
func (e Event) Latest() string { return e.Versions[len(e.Versions)-1] }

// Events returns every event in the tree, sorted by owner and name. It fails
// when the versions of an event have a gap, which a test rules out for FS.
func Events(tree fs.FS) ([]Event, error) {
	folders, err := fs.Glob(tree, "*/*")
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	var events []Event
	for _, folder := range folders {
		files, err := fs.Glob(tree, folder+"/*.avsc")
		if err != nil {
			return nil, fmt.Errorf("list versions of %s: %w", folder, err)
		}
		if len(files) == 0 {
			continue
		}
		e := Event{Owner: path.Dir(folder), Name: path.Base(folder)}
		// The loop counts up instead of parsing names. This puts v10 after v9. It also
		// finds a gap or a stray file by itself: one of the names is then missing.
		for n := 1; n <= len(files); n++ {
			file := fmt.Sprintf("%s/v%d.avsc", folder, n)
			schema, err := fs.ReadFile(tree, file)
			if err != nil {
				return nil, fmt.Errorf("read version %d of %d of %s: %w", n, len(files), folder, err)
			}
			e.Versions = append(e.Versions, string(schema))
		}
		events = append(events, e)
	}
	return events, nil
}
