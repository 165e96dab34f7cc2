package telemetry

import "strings"

// traceparentLen is the length of a traceparent of version 00; one of a later
// version begins with as much.
const traceparentLen = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-00")

// Traceparent returns the W3C trace context in text, or "" if text holds none. It
// drops a malformed one, as the standard asks, and does not refuse it. A trace must
// not hold up the request that it is about. Every boundary calls Traceparent, so an
// accepted context can also be sent.
//
// Traceparent rewrites a later version as version 00, in the fields that both have.
// The grammar of its other fields is unknown here.
func Traceparent(text string) string {
	if len(text) < traceparentLen {
		return ""
	}
	known, rest := text[:traceparentLen], text[traceparentLen:]
	fields := strings.Split(known, "-")
	if len(fields) != 4 || len(fields[0]) != 2 || len(fields[1]) != 32 || len(fields[2]) != 16 {
		return ""
	}
	for _, f := range fields {
		if strings.Trim(f, "0123456789abcdef") != "" {
			return ""
		}
	}
	version, zero := fields[0], func(id string) bool { return strings.Trim(id, "0") == "" }
	if version == "ff" || zero(fields[1]) || zero(fields[2]) {
		return ""
	}
	if version == "00" {
		if rest != "" {
			return ""
		}
		return text
	}
	if rest != "" && rest[0] != '-' {
		return ""
	}
	// Of the flags only the last bit, sampled, means the same in every version.
	sampled := "00"
	if strings.ContainsRune("13579bdf", rune(fields[3][1])) {
		sampled = "01"
	}
	return "00-" + fields[1] + "-" + fields[2] + "-" + sampled
}
