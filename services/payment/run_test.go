package payment

import (
	"strings"
	"testing"
	"time"

	"github.com/quintet-eda/quintet/pkg/service"
)

func TestConfigurationFollowsThePortBase(t *testing.T) {
	t.Setenv("PORT_BASE", "9000")
	c, err := configured()
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != "127.0.0.1:9003" || c.URL != "http://127.0.0.1:9010" {
		t.Errorf("got HTTP on %s and provider at %s, want ports 9003 and 9010", c.HTTPAddr, c.URL)
	}
	if c.Calls != (service.Calls{Timeout: 3 * time.Second, Attempts: 12, Budget: 30 * time.Second}) {
		t.Errorf("got bounds %+v of a charge, want 3s, 12, 30s", c.Calls)
	}
}

func TestConfigurationReportsAllProblemsAtOnce(t *testing.T) {
	wrong := map[string]string{
		"PORT_BASE": "1", "PROVIDER_URL": "provider:80", "PROVIDER_TIMEOUT": "0s", "PROVIDER_ATTEMPTS": "0", "PROVIDER_BUDGET": "-1s",
	}
	for name, value := range wrong {
		t.Setenv(name, value)
	}
	_, err := configured()
	if err == nil {
		t.Fatal("got no error")
	}
	for name := range wrong {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}
