package telemetry_test

import (
	"strings"
	"testing"

	"github.com/quintet-eda/quintet/pkg/telemetry"
)

func TestATraceparentIsWhatTheStandardSays(t *testing.T) {
	const trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const good = "00-" + trace + "-" + parent + "-01"
	for name, c := range map[string]struct{ text, want string }{
		"none":                         {"", ""},
		"sampled":                      {good, good},
		"not sampled":                  {"00-" + trace + "-" + parent + "-00", "00-" + trace + "-" + parent + "-00"},
		"a flag of a later level":      {"00-" + trace + "-" + parent + "-03", "00-" + trace + "-" + parent + "-03"},
		"a line break at its end":      {good + "\n", ""},
		"a header behind a line break": {good + "\r\nX-Evil: 1", ""},
		"a space at its end":           {good + " ", ""},
		"a NUL":                        {good[:54] + "\x00", ""},
		"upper case":                   {strings.ToUpper(good), ""},
		"no hexadecimal digit":         {strings.Replace(good, "4b", "4g", 1), ""},
		"a digit of another script":    {"00-" + strings.Repeat("١", 16) + "-" + parent + "-01", ""},
		"no dashes":                    {strings.ReplaceAll(good, "-", "_"), ""},
		"too short":                    {good[:54], ""},
		"more behind version 00":       {good + "-more", ""},
		"a trace id of zeros":          {"00-" + strings.Repeat("0", 32) + "-" + parent + "-01", ""},
		"a parent id of zeros":         {"00-" + trace + "-" + strings.Repeat("0", 16) + "-01", ""},
		"version ff":                   {"ff" + good[2:], ""},
		"a version that is none":       {"0x" + good[2:], ""},
		// What a later version adds is not known, so it is told as version 00.
		"a later version":                       {"01" + good[2:], good},
		"a later version that says more":        {"cc" + good[2:] + "-what the future brings", good},
		"a later version with a later flag":     {"01-" + trace + "-" + parent + "-0a", "00-" + trace + "-" + parent + "-00"},
		"a later version with a line break":     {"01" + good[2:] + "-\r\nX-Evil: 1", good},
		"a later version without a dash behind": {"01" + good[2:] + "more", ""},
	} {
		if got := telemetry.Traceparent(c.text); got != c.want {
			t.Errorf("%s: %q is read as %q, want %q", name, c.text, got, c.want)
		}
	}
}
