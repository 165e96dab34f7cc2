package record

import "strconv"

// DeadLetterTopic is where a participant publishes what it could not handle,
// each with its cause.
func DeadLetterTopic(service string) string { return service + ".dead-letter" }

// The headers of a dead letter must not make it too large for the broker, which would
// refuse it at each attempt. Over this size a letter only names the original's place.
const (
	maxDeadLetter = 768 << 10 // bytes on the wire
	maxCause      = 4 << 10   // bytes
)

// Failure says what could not be handled, and why.
type Failure struct {
	Service, Kind, Name, Input string
	Attempts                   int
	Cause                      error
}

// DeadLetter is the record that tells of an input that could not be handled. It
// carries the original's key, bytes and headers, or body where the input was no
// record; what happened is in dl_ headers.
func DeadLetter(original *Record, key string, body []byte, f Failure) Record {
	letter := Record{Topic: DeadLetterTopic(f.Service)}
	if ValidID(key) {
		letter.Key = key
	}
	size, value := len(body), body
	if original != nil {
		size, value = original.Size(), original.Value
	}
	fits := size <= maxDeadLetter
	if fits {
		letter.Value = value
	} else {
		letter.Headers = append(letter.Headers, Header{"dl_left_out", strconv.Itoa(size)})
	}
	if original != nil {
		if fits {
			letter.Headers = append(letter.Headers, original.Headers...)
		}
		if fits && letter.Key != key {
			letter.Headers = append(letter.Headers, Header{"dl_key", key}) // no column can hold it
		}
		letter.Headers = append(letter.Headers,
			Header{"dl_topic", original.Topic},
			Header{"dl_partition", strconv.Itoa(int(original.Partition))},
			Header{"dl_offset", strconv.FormatInt(original.Offset, 10)})
	}
	cause := f.Cause.Error()
	letter.Headers = append(letter.Headers,
		Header{"dl_service", f.Service},
		Header{"dl_kind", f.Kind},
		Header{"dl_name", f.Name},
		Header{"dl_input", f.Input},
		Header{"dl_attempts", strconv.Itoa(f.Attempts)},
		Header{"dl_cause", cause[:min(len(cause), maxCause)]})
	return letter
}
