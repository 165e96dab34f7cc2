package sandbox_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/quintet-eda/quintet/deploy/sandbox"
)

func TestARestartForgetsNothingThatHappened(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.expect("POST", "/payments/paid/charge", charge("tok_ok"), isCaptured)
	w.expect("POST", "/payments/no/charge", charge("tok_declined"), isDeclined)
	w.expect("POST", "/payments/tomb/void", theVoid, isVoided)
	w.expect("POST", "/payments/flaky/charge", charge("tok_flaky"), isUnavailable)
	w.expectSilence("POST", "/payments/lost/charge", charge("tok_lost"))
	w.expect("POST", "/payments/down/charge", charge("tok_down"), isUnavailable)
	w.expect("POST", "/shipments/k/book", book("GB"), isBooked)
	w.expect("POST", "/shipments/k/collect", "", isCollected)
	w.expect("POST", "/shipments/xx/book", book("XX"), isRefused)
	w.expect("POST", "/shipments/tomb/unbook", theVoid, isUnbooked)
	w.mail("greylist@example.com", "m@shop", "hello")
	before := [][]sandbox.Entry{w.ledger("payments", ""), w.ledger("shipments", ""), w.ledger("mails", "")}

	w = w.restart()
	after := [][]sandbox.Entry{w.ledger("payments", ""), w.ledger("shipments", ""), w.ledger("mails", "")}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("ledgers (-before +after):\n%s", diff)
	}
	w.expect("POST", "/payments/paid/charge", charge("tok_ok"), isCaptured)
	w.expect("POST", "/payments/no/charge", charge("tok_declined"), isDeclined)
	w.expect("POST", "/payments/tomb/charge", charge("tok_ok"), `409 {"status":"voided"}`)
	w.expect("POST", "/payments/flaky/charge", charge("tok_flaky"), isUnavailable)
	w.expect("POST", "/payments/flaky/charge", charge("tok_flaky"), isCaptured)
	w.expectSilence("GET", "/payments/lost", "")
	w.expect("POST", "/shipments/k/unbook", theVoid, isCollected)
	w.expect("POST", "/shipments/xx/book", book("XX"), isRefused)
	w.expect("POST", "/shipments/tomb/book", book("GB"), `409 {"status":"unbooked"}`)
	if codes := []int{w.mail("greylist@example.com", "m@shop", "hello"), w.mail("greylist@example.com", "m@shop", "hello")}; !cmp.Equal(codes, []int{451, 0}) {
		t.Errorf("greylisting after the restart: %v, want one more 451", codes)
	}
	w.expect("DELETE", "/faults", "", "204 ")

	w = w.restart()
	w.expect("GET", "/payments/lost", "", isCaptured)
	w.expect("POST", "/payments/down/charge", charge("tok_down"), isCaptured)
	for i, e := range w.ledger("payments", "") {
		if e.N != i+1 {
			t.Errorf("entry %d has number %d", i+1, e.N)
		}
	}
}

func TestATornLastLineIsCutOffAndReported(t *testing.T) {
	t.Parallel()
	for name, torn := range map[string]string{
		"half an entry":          `{"n":3,"at":"2026-01-02T03:04:05Z","op":"void","key":"k","outc`,
		"all but the line break": `{"n":3,"at":"2026-01-02T03:04:05Z","op":"void","key":"k","orderId":"o-1","outcome":"voided","answered":true}`,
		"a block of zeros":       strings.Repeat("\x00", 64) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.expect("POST", "/payments/k/charge", charge("tok_ok"), isCaptured)
			w.expect("POST", "/payments/k/charge", charge("tok_ok"), isCaptured)
			if err := w.stop(); err != nil {
				t.Fatal(err)
			}
			scribble(t, filepath.Join(w.dir, "payments.jsonl"), torn)

			again := startIn(t, w.dir)
			again.expect("GET", "/payments/k", "", isCaptured)
			again.expect("POST", "/payments/k/refund", theRefund, isRefunded)
			if diff := cmp.Diff([]string{"charge captured", "charge repeat", "refund refunded"}, again.story("payments")); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
			if err := again.stop(); err != nil {
				t.Fatal(err)
			}
			if log := again.log.String(); !strings.Contains(log, "torn last line") || !strings.Contains(log, fmt.Sprintf(`"bytes":%d`, len(torn))) {
				t.Errorf("not reported: %s", log)
			}
		})
	}
}

func TestALedgerWithAHoleIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	scribble(t, filepath.Join(dir, "shipments.jsonl"), "{\"n\":1}\nrubbish\n{\"n\":3}\n")
	_, err := sandbox.Open(sandbox.Config{DataDir: dir, HTTPAddr: "127.0.0.1:0", SMTPAddr: "127.0.0.1:0"}, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "shipments.jsonl: line 2:") {
		t.Errorf("got %v", err)
	}
}

func TestALedgerIsReadByOrder(t *testing.T) {
	t.Parallel()
	w := start(t)
	for _, order := range []string{"o-1", "o-2", "o-1"} {
		w.must("POST", "/payments/"+order+"/void", fmt.Sprintf(`{"orderId":%q}`, order))
	}
	for query, want := range map[string]int{"": 3, "?orderId=o-1": 2, "?orderId=o-2": 1, "?orderId=o-3": 0} {
		if got := w.ledger("payments", query); len(got) != want || got == nil {
			t.Errorf("%q: %d entries, want %d", query, len(got), want)
		}
	}
	w.expect("GET", "/ledger/mails", "", "200 []")
	w.expect("GET", "/ledger/gifts", "", `404 {"title":"Not Found","status":404,"detail":"there is no ledger \"gifts\"; there are payments, shipments and mails"}`)
}

// A process is killed while eight callers charge; whatever a caller was told
// stands in the ledger of the next process, and nothing stands there twice.
func TestAKillLosesNothingAnswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, exe)
	child.Env = append(os.Environ(), "SANDBOX_TEST_DIR="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, url: "http://" + strings.TrimSpace(addr)}

	told := make(chan string, 100_000)
	var callers sync.WaitGroup
	for caller := range 8 {
		callers.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("k-%d-%d", caller, i)
				got, err := w.send(ctx, "POST", "/payments/"+key+"/charge", charge("tok_ok"))
				if err != nil {
					return
				}
				if got == isCaptured {
					told <- key
				}
			}
		})
	}
	eventually(t, "200 charges answered", func() bool { return len(told) >= 200 })
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // "signal: killed", as asked
	callers.Wait()
	close(told)

	times := map[string]int{}
	for _, e := range startIn(t, dir).ledger("payments", "") {
		times[e.Key]++
	}
	for key := range told {
		if times[key] != 1 {
			t.Errorf("%s was captured %d times", key, times[key])
		}
	}
}

func scribble(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
