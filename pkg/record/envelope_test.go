package record

import "testing"

func TestATraceOfARecordIsOneOrNone(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for text, want := range map[string]string{trace: trace, trace + "\n": "", trace + "\r\nX-Evil: 1": "", "nonsense": ""} {
		e := ReadEnvelope(&Record{Headers: []Header{{Name: headerTraceparent, Value: text}}})
		if e.Traceparent != want {
			t.Errorf("%q is read as %q, want %q", text, e.Traceparent, want)
		}
	}
}

func TestASequenceIsANumberOrNone(t *testing.T) {
	for text, want := range map[string]int64{"7": 7, "99999999999999999999": 0, "-99999999999999999999": 0, "seven": 0, "": 0} {
		e := ReadEnvelope(&Record{Headers: []Header{{Name: headerID, Value: "id"}, {Name: headerSequence, Value: text}}})
		if e.Sequence != want {
			t.Errorf("%q is read as %d, want %d", text, e.Sequence, want)
		}
	}
}
