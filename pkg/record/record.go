// Package record holds the records of a topic. It has the CloudEvents envelope in their
// headers, the decoding of a value, and the content of a dead letter.
package record

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// Record is a record on a topic, as the log carries it.
type Record struct {
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Offset    int64   `json:"offset"`
	Key       string  `json:"key"` // empty: the record has no key
	Value     []byte  `json:"value"`
	Headers   Headers `json:"headers"`
}

// The overhead of a record on the wire, besides its bytes: the lengths and deltas of
// record and headers as variable-length integers, each at its longest.
const (
	recordOverhead = 36
	headerOverhead = 10
)

// Size returns the most bytes that the record takes on the wire.
func (r *Record) Size() int {
	n := recordOverhead + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += headerOverhead + len(h.Name) + len(h.Value)
	}
	return n
}

// Header is one header of a record. A foreign producer may put any bytes into it.
type Header struct {
	Name  string
	Value string
}

// Headers are a record's headers, in their order. As JSON they keep each byte.
type Headers []Header

// headerText is a header in JSON. A text that is no UTF-8 would come back as
// another text, so Raw holds its bytes too. The version before reads that other text.
type headerText struct {
	Name  string     `json:"name"`
	Value string     `json:"value"`
	Raw   *[2][]byte `json:"raw,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (hs Headers) MarshalJSON() ([]byte, error) {
	texts := make([]headerText, len(hs))
	for i, h := range hs {
		texts[i] = headerText{Name: h.Name, Value: h.Value}
		if !utf8.ValidString(h.Name) || !utf8.ValidString(h.Value) {
			texts[i].Raw = &[2][]byte{[]byte(h.Name), []byte(h.Value)}
		}
	}
	return json.Marshal(texts)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (hs *Headers) UnmarshalJSON(text []byte) error {
	var texts []headerText
	if err := json.Unmarshal(text, &texts); err != nil {
		return err
	}
	*hs = make(Headers, len(texts))
	for i, t := range texts {
		(*hs)[i] = Header{t.Name, t.Value}
		if t.Raw != nil {
			(*hs)[i] = Header{string(t.Raw[0]), string(t.Raw[1])}
		}
	}
	return nil
}

// maxID bounds an identifier that a foreign producer may choose: it becomes a key
// in this service's database.
const maxID = 256

// ValidID reports whether a foreign text may become an identifier here. It must have at
// most 256 bytes, and be the same after it has been through JSON and a database. Bytes
// that are not UTF-8 are not the same after that. A look-up would use another text: a
// duplicate would be new, and the state of a key that exists would be empty.
func ValidID(text string) bool {
	return len(text) <= maxID && utf8.ValidString(text) && !strings.ContainsRune(text, 0)
}
