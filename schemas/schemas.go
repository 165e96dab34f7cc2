// Package schemas is the contract between the services: what happened, in
// which words, and what a reader of any age may rely on.
//
// # The tree
//
// Each event has a folder <owner>/<Event>, and each version of it a file
// v<N>.avsc, counted from 1 without gaps. The highest version is what is
// written today; the others are what still lies on the topics and is read for
// ever. The owner is the one service that emits the event. The record's full
// name, quintet.<owner>.<Event>, is also the CloudEvents type, and the subject
// is <owner>.events-quintet.<owner>.<Event>.
//
// Every file parses alone, so that a registry or a tool in another language
// needs nothing beside it. The price is that the enum of Reason.avsc, why an
// order did not go through, is copied into each event that gives a reason; a
// test holds the copies equal to that master.
//
// Fields may carry properties that Avro ignores and we do not: "key" marks the
// field that is the record's key on the topic, "personal" and "payment" mark
// what must not be shown in logs or listings unless somebody asks for it.
//
// # How it changes
//
// FULL_TRANSITIVE: every version reads every other, older and newer, because a
// topic keeps its records without limit and services are deployed one by one.
//
//   - A version that has been published is never edited. Add v<N+1>.avsc.
//   - A field may be added with a default. A field may be removed if every
//     version that has it gave it a default, which is why a field that might
//     one day go should get one on its first day.
//   - Types do not change, not even int to long: the old reader could not follow.
//   - Enums have the default "unspecified" and may gain symbols; a reader that
//     does not know one sees "unspecified".
//   - Names do not change, neither of records nor of fields.
//   - Whatever cannot be done so is a new event with a new name.
//
// Package compat checks this for the whole tree in a test, without a registry.
// Package events holds the Go types, which "go run ./gen" writes.
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
		// Counting up, rather than parsing names, puts v10 after v9 and finds a
		// gap or a stray file by itself: then one of the names is not there.
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
