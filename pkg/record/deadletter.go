package record

import "strconv"

// DeadLetterTopic returns the topic on which a participant publishes the inputs that it
// could not handle, each with its cause.
func DeadLetterTopic(service string) string { return service + ".dead-letter" }

// The headers of a dead letter must not make it too large for the broker: the broker
// would refuse it at each attempt. Over this size a letter only names the original's place.
const (
	maxDeadLetter = 768 << 10 // bytes on the wire
	maxCause      = 4 << 10   // bytes
)

// Failure names an input that could not be handled, and the cause.
type Failure struct {
	Service, Kind, Name, Input string
	Attempts                   int
	Cause                      error
}

// DeadLetter returns the record that reports an input that could not be handled. It
// carries the original's key, bytes and headers, or body where the input was no
// record. The dl_ headers describe the failure.
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
