package shipping

import (
	"strings"
	"testing"
	"time"
)

func TestConfigurationFollowsThePortBase(t *testing.T) {
	t.Setenv("PORT_BASE", "9000")
	c, err := ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != "127.0.0.1:9004" || c.URL != "http://127.0.0.1:9010" {
		t.Errorf("got HTTP on %s and carrier at %s, want ports 9004 and 9010", c.HTTPAddr, c.URL)
	}
	if c.Timeout != 3*time.Second || c.Attempts != 12 || c.Budget != 30*time.Second {
		t.Errorf("got bounds %v, %d, %v of a booking, want 3s, 12, 30s", c.Timeout, c.Attempts, c.Budget)
	}
}

func TestConfigurationReportsAllProblemsAtOnce(t *testing.T) {
	wrong := map[string]string{
		"PORT_BASE": "1", "CARRIER_URL": "carrier:80", "CARRIER_TIMEOUT": "0s", "CARRIER_ATTEMPTS": "0", "CARRIER_BUDGET": "-1s",
	}
	for name, value := range wrong {
		t.Setenv(name, value)
	}
	_, err := ConfigFromEnv()
	if err == nil {
		t.Fatal("got no error")
	}
	for name := range wrong {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}
