package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// AsJSON is a column that holds a value as JSON. A nil slice is written as an empty
// list, so that a reader of the column finds a list.
func AsJSON[V any](v *V) any { return asJSON[V]{v} }

type asJSON[V any] struct{ v *V }

// Scan implements [sql.Scanner].
func (c asJSON[V]) Scan(src any) (err error) {
	defer func() { // a panic within the driver would leave the connection in use
		if p := recover(); p != nil {
			err = fmt.Errorf("read %T: panic: %v", c.v, p)
		}
	}()
	var text []byte
	switch src := src.(type) {
	case string:
		text = []byte(src)
	case []byte:
		text = src
	default:
		return fmt.Errorf("a column of JSON has a %T", src)
	}
	return json.Unmarshal(text, c.v)
}

// Value implements [driver.Valuer].
func (c asJSON[V]) Value() (driver.Value, error) {
	if v := reflect.ValueOf(c.v).Elem(); v.Kind() == reflect.Slice && v.IsNil() {
		return "[]", nil
	}
	text, err := json.Marshal(c.v)
	return string(text), err
}

// AsMicros is a column that holds a time as microseconds since 1970. The number is the
// same in every database, and numbers compare as their times do.
func AsMicros(t *time.Time) any { return asMicros{t} }

type asMicros struct{ t *time.Time }

// Scan implements [sql.Scanner].
func (c asMicros) Scan(src any) error {
	us, is := src.(int64)
	if !is {
		return fmt.Errorf("a column of microseconds has a %T", src)
	}
	*c.t = time.UnixMicro(us).UTC()
	return nil
}

// Value implements [driver.Valuer].
func (c asMicros) Value() (driver.Value, error) { return c.t.UnixMicro(), nil }
