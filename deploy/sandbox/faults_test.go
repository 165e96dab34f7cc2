package sandbox_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

func TestFaultKindDecidesWhetherCallIsProcessed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind   string
		want   reply // "" no answer, "EOF" the connection closed
		ledger []string
	}{
		{`"refuse"`, "EOF", nil},
		{`"error"`, isUnavailable, nil},
		{`"latency","latency":"50ms"`, isCaptured, []string{"charge captured"}},
		{`"latency","latency":"1s"`, "", []string{"charge captured ?"}},
		{`"lost"`, "", []string{"charge captured ?"}},
	}
	for _, tt := range tests {
		t.Run(tt.kind, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.must("POST", "/faults", `{"dependency":"payment","kind":`+tt.kind+`}`)
			switch tt.want {
			case "":
				w.expectSilence("POST", "/payments/k/charge", charge("tok_ok"))
			case "EOF":
				if got, err := w.send(t.Context(), "POST", "/payments/k/charge", charge("tok_ok")); !errors.Is(err, io.EOF) {
					t.Errorf("got %q, %v; want the connection closed", got, err)
				}
			default:
				w.expect("POST", "/payments/k/charge", charge("tok_ok"), tt.want)
			}
			eventually(t, fmt.Sprintf("ledger has %q", tt.ledger), func() bool { return cmp.Equal(tt.ledger, w.story("payments")) })

			w.expect("POST", "/shipments/k/book", book("GB"), isBooked) // the carrier is well
			w.expect("DELETE", "/faults", "", "204 ")
			w.expect("GET", "/faults", "", "200 []")
			w.expect("POST", "/payments/k/charge", charge("tok_ok"), isCaptured)
		})
	}
}

func TestAFaultEndsByItself(t *testing.T) {
	t.Parallel()
	w := start(t)
	began := time.Now()
	w.must("POST", "/faults", `{"dependency":"carrier","kind":"error","for":"500ms"}`)
	w.expect("POST", "/shipments/k/book", book("GB"), isUnavailable)
	eventually(t, "booked", func() bool { return w.must("POST", "/shipments/k/book", book("GB")) == isBooked })
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("the fault ended after %v", took)
	}
	w.expect("GET", "/faults", "", "200 []")
}

func TestAFaultStrikesAtItsRate(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/faults", `{"dependency":"payment","kind":"error","rate":0}`)
	w.expect("POST", "/payments/k/charge", charge("tok_ok"), isCaptured)
	w.must("POST", "/faults", `{"dependency":"payment","kind":"error","rate":0.5}`)
	struck := 0
	for range 400 {
		if w.must("GET", "/payments/k", "") == isUnavailable {
			struck++
		}
	}
	if struck < 120 || struck > 280 { // eight standard deviations
		t.Errorf("struck %d of 400 calls", struck)
	}
}

func TestAFaultTakesThePlaceOfItsKind(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/faults", `{"dependency":"mail","kind":"lost","rate":0.1}`)
	w.must("POST", "/faults", `{"dependency":"carrier","kind":"lost","rate":0.2}`)
	w.must("POST", "/faults", `{"dependency":"carrier","kind":"latency","latency":"1m"}`)
	w.expect("POST", "/faults", `{"dependency":"carrier","kind":"lost","rate":0.3}`, `201 {"dependency":"carrier","kind":"lost","rate":0.3}`)
	w.expect("GET", "/faults", "", `200 [{"dependency":"mail","kind":"lost","rate":0.1},{"dependency":"carrier","kind":"latency","rate":1,"latency":"1m0s"},{"dependency":"carrier","kind":"lost","rate":0.3}]`)
	w.expect("DELETE", "/faults?dependency=carrier", "", "204 ")
	w.expect("GET", "/faults", "", `200 [{"dependency":"mail","kind":"lost","rate":0.1}]`)
}

func TestABadFaultIsToldEachBadField(t *testing.T) {
	t.Parallel()
	w := start(t)
	tests := []struct {
		body   string
		fields []string
	}{
		{`nonsense`, []string{"body"}},
		{`[]`, []string{"body"}},
		{`{}`, []string{"dependency", "kind"}},
		{`{"dependency":"bank","kind":"slow","rate":1.5,"for":"-1s","latency":"soon","colour":"red"}`, []string{"dependency", "kind", "rate", "for", "latency", "colour"}},
		{`{"dependency":1,"kind":"lost","rate":"all","for":10}`, []string{"dependency", "rate", "for"}},
		{`{"dependency":"mail","kind":"latency"}`, []string{"latency"}},
		{`{"dependency":"mail","kind":"lost","latency":"1s"}`, []string{"latency"}},
	}
	for _, tt := range tests {
		got := string(w.must("POST", "/faults", tt.body))
		var fields []string
		for _, part := range strings.Split(got, `"field":"`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			fields = append(fields, name)
		}
		if diff := cmp.Diff(tt.fields, fields); diff != "" || !strings.HasPrefix(got, "400 ") {
			t.Errorf("%s: %s\nfields (-want +got):\n%s", tt.body, got, diff)
		}
	}
	w.expect("GET", "/faults", "", "200 []")
	if got := w.must("DELETE", "/faults?dependency=bank", ""); !strings.HasPrefix(string(got), "400 ") {
		t.Errorf("got %s", got)
	}
}

// Not parallel: it counts goroutines.
func TestACallerThatGivesUpLeavesNothingRunning(t *testing.T) {
	w := start(t)
	w.must("POST", "/faults", `{"dependency":"mail","kind":"lost"}`)
	w.must("GET", "/healthz", "")
	before := runtime.NumGoroutine()
	w.expectSilence("POST", "/payments/k/charge", charge("tok_lost"))
	w.expectSilence("GET", "/payments/k", "")
	w.expectSilence("POST", "/shipments/k/book", book("XT"))
	w.mail("ada@example.com", "m@shop", "hello")
	eventually(t, "goroutines back", func() bool { return runtime.NumGoroutine() <= before })
}

func TestAStopDoesNotWaitForWhatIsNeverAnswered(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.must("POST", "/faults", `{"dependency":"mail","kind":"lost"}`)
	w.must("POST", "/faults", `{"dependency":"carrier","kind":"latency","latency":"1h"}`)
	done := make(chan error, 4)
	post := func(path, body string) {
		_, err := w.send(t.Context(), "POST", path, body)
		done <- err
	}
	go post("/payments/a/charge", charge("tok_lost"))
	go post("/payments/b/charge", charge("tok_timeout"))
	go post("/shipments/a/book", book("GB"))
	c := w.dialSMTP() // held after its message
	c.say("EHLO test", 250)
	c.say("MAIL FROM:<shop@example.com>", 250)
	c.say("RCPT TO:<a@example.com>", 250)
	c.say("DATA", 354)
	go func() {
		_, err := fmt.Fprint(c.conn, "Subject: x\r\n\r\nhello\r\n.\r\n")
		if err == nil {
			_, err = c.text.ReadLine()
		}
		done <- err
	}()
	w.dialSMTP() // idle
	eventually(t, "all held", func() bool { return len(w.ledger("payments", ""))+len(w.ledger("mails", "")) == 3 })

	began := time.Now()
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second { // well under the 1.5 s after which all is cut
		t.Errorf("stopping took %v", took)
	}
	for range 4 {
		if err := <-done; err == nil {
			t.Error("a held call was answered by the stop")
		}
	}
	if got := startIn(t, w.dir).story("shipments"); len(got) > 0 {
		t.Errorf("a call that was still waiting is in the ledger: %q", got)
	}
}

// Not parallel: it sets the environment.
func TestTheEnvironmentIsChecked(t *testing.T) {
	for base, ok := range map[string]bool{"8000": true, "65510": true, "65511": false, "0": false, "http": false} {
		t.Setenv("PORT_BASE", base)
		if _, err := sandbox.ConfigFromEnv(); (err == nil) != ok {
			t.Errorf("PORT_BASE %s: %v", base, err)
		}
	}
}
