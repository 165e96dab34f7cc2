package record

import (
	"fmt"

	"github.com/quintet-eda/quintet/pkg/registry"
)

// Explain holds how a value is written against what its record says of itself. It
// returns the name of the event; said is the one in the record's envelope, empty
// when there is none.
//
// A record on the wrong topic is an error, and not somebody else's event: its
// schema id may have stood for another schema when it was written, so to pass
// over it could be to lose one of ours.
func Explain(r *Record, said string, w *registry.Writer) (name string, err error) {
	switch {
	case said != "" && said != w.Name():
		return said, fmt.Errorf("record says it is %s and is written as %s", said, w.Name())
	case w.Topic() != "" && w.Topic() != r.Topic:
		return w.Name(), fmt.Errorf("record on %s is written as %s, which belongs on %s", r.Topic, w.Name(), w.Topic())
	}
	return w.Name(), nil
}

// Decode reads a value with a reaction's decoder. Bytes that make the decoder
// panic are that record's alone: the process would come back to them for ever.
func Decode(w *registry.Writer, decode func(func(into any) error) (any, error)) (body any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoder panicked: %v", p)
		}
	}()
	return decode(w.Decode)
}
