package kafka_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/kafka"
)

// beMember is what the process does that a test kills.
func beMember(t *testing.T, address string) {
	t.Helper()
	s := kafka.Settings{Brokers: []string{address}, Service: os.Getenv("TEST_MEMBER_GROUP"), Partitions: partitions, Replication: 1}
	start(t, s, "a", open(t, os.Getenv("TEST_MEMBER_DB")), options{changed: func(keys []string) { fmt.Println("heard", strings.Join(keys, " ")) }})
	select {}
}

func TestKilledMemberRejoinsBeforeSessionTimeout(t *testing.T) {
	if address := os.Getenv("TEST_MEMBER_BROKER"); address != "" {
		beMember(t, address)
	}
	t.Parallel()
	_, s := broker(t)
	createTopics(t, s, "caller.events")
	c := newCaller(t, s)
	path := dbPath(t)
	run := func() (kill func(), hears func(what string)) {
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=2m")
		cmd.Env = append(os.Environ(), "TEST_MEMBER_BROKER="+s.Brokers[0], "TEST_MEMBER_GROUP="+s.Service, "TEST_MEMBER_DB="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		kill = func() {
			_ = cmd.Process.Kill() // it may have ended
			_ = cmd.Wait()
		}
		t.Cleanup(kill)
		return kill, func(what string) {
			for lines.Scan() {
				if strings.Contains(lines.Text(), what) {
					return
				}
			}
			t.Fatalf("the member ended before it heard %s", what)
		}
	}
	kill, hears := run()
	c.say("first")
	hears("first")
	best := time.Hour // of three: the machine has other things to do
	for range 3 {
		kill()
		c.say("again")
		began := time.Now()
		kill, hears = run()
		hears("again")
		took := time.Since(began)
		t.Logf("the first record after a kill was handled %v after the start", took)
		best = min(best, took)
	}
	if best > 5*time.Second { // of ten
		t.Errorf("back after %v", best)
	}
}
