package record

import (
	"fmt"

	"github.com/quintet-eda/quintet/pkg/registry"
)

// Explain checks the schema of a value against the record's type and topic. It returns
// the name of the event. said is the name in the record's envelope, empty when the
// envelope has none.
//
// A record on the wrong topic is an error, and not another participant's event. Its
// schema id may have stood for another schema when it was written. So to skip it could
// lose an event for this participant.
func Explain(r *Record, said string, w *registry.Writer) (name string, err error) {
	switch {
	case said != "" && said != w.Name():
		return said, fmt.Errorf("record says it is %s and is written as %s", said, w.Name())
	case w.Topic() != "" && w.Topic() != r.Topic:
		return w.Name(), fmt.Errorf("record on %s is written as %s, which belongs on %s", r.Topic, w.Name(), w.Topic())
	}
	return w.Name(), nil
}

// Decode reads a value with a reaction's decoder. A panic of the decoder becomes an
// error of that record alone: the process would come back to the record for ever.
func Decode(w *registry.Writer, decode func(func(into any) error) (any, error)) (body any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoder panicked: %v", p)
		}
	}()
	return decode(w.Decode)
}
