package store

import (
	"encoding/json"
	"math/bits"
	"strings"
)

// Keys encodes a list of keys as the argument for one {keys} in a statement.
func Keys[K ~string](keys []K) string {
	if len(keys) == 0 {
		return "[]" // a nil slice would be null, which is one key that nothing equals
	}
	b, err := json.Marshal(keys)
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(b)
}

// Bulk queues the writing of rows of a fixed width with few statements. into is the text
// up to VALUES, and conflict the text after the rows. No two rows may have one key.
// The rows go out in chunks of powers of two. So up to 500 rows of up to 60 columns
// take at most eight statements (the bits of their number). At most ten texts are ever
// prepared per table.
func (tx *Tx) Bulk(into string, width int, conflict string, values []any) {
	most := maxChunk
	for most*width > maxParameters {
		most /= 2
	}
	rows := len(values) / width
	for rows > 0 {
		n := min(1<<(bits.Len(uint(rows))-1), most)
		tx.Queue(nil, bulkText(into, width, n, conflict), values[:n*width]...)
		values = values[n*width:]
		rows -= n
	}
}

const (
	maxChunk = 512
	// maxParameters is SQLite's bound; PostgreSQL's is 65,535.
	maxParameters = 32_766
)

func bulkText(into string, width, rows int, conflict string) string {
	row := "(" + strings.Repeat("?,", width-1) + "?)"
	return into + " VALUES " + strings.Repeat(row+",", rows-1) + row + " " + conflict
}
