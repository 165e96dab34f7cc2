package order

import (
	"strings"
	"testing"
	"time"
)

func TestTheConfigurationHasDefaults(t *testing.T) {
	t.Setenv("PORT_BASE", "21000")
	c, err := configured()
	if err != nil {
		t.Fatal(err)
	}
	if c.Deadline != 15*time.Minute || c.HTTPAddr != "127.0.0.1:21001" || c.DataDir != ".quintet/order" {
		t.Errorf("%+v", c)
	}
}

func TestConfigurationReportsAllProblemsAtOnce(t *testing.T) {
	t.Setenv("ORDER_DEADLINE", "-1s")
	t.Setenv("PORT_BASE", "80")
	t.Setenv("OUTBOX_BOUND", "0")
	_, err := configured()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"ORDER_DEADLINE", "PORT_BASE", "OUTBOX_BOUND"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
}
