package service

import (
	"strings"
	"testing"
	"time"
)

type config struct {
	Config
	Patience time.Duration `env:"TEST_PATIENCE" envDefault:"1s"`
}

func load(t *testing.T, env map[string]string) (config, Problems) {
	t.Helper()
	for name, value := range env {
		t.Setenv(name, value)
	}
	var c config
	wrong := Load(&c, &c.Config, "test", 7)
	wrong.Unless(c.Patience > 0, "TEST_PATIENCE must be positive")
	return c, wrong
}

func TestDefaultsFollowFromTheServiceAndItsPort(t *testing.T) {
	c, wrong := load(t, map[string]string{"PORT_BASE": "9000", "INSTANCE_ID": "test-1"})
	if len(wrong) > 0 {
		t.Fatal(wrong.Err("test"))
	}
	got := []string{c.HTTPAddr, c.DataDir, c.Registry, c.Brokers[0], c.Instance}
	want := []string{"127.0.0.1:9007", ".quintet/test", "http://127.0.0.1:9081", "127.0.0.1:10092", "test-1"}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEveryProblemIsNamedOnceByItsVariable(t *testing.T) {
	_, wrong := load(t, map[string]string{"PORT_BASE": "80", "OUTBOX_BOUND": "many", "DATABASE_URL": "order.db", "STOP_TIMEOUT": "0s", "TEST_PATIENCE": "long"})
	err := wrong.Err("test")
	if err == nil {
		t.Fatal("nothing was found wrong")
	}
	for _, variable := range []string{"PORT_BASE", "OUTBOX_BOUND", "DATABASE_URL", "STOP_TIMEOUT", "TEST_PATIENCE"} {
		if strings.Count(err.Error(), variable) != 1 {
			t.Errorf("%s is not named once: %v", variable, err)
		}
	}
	if len(wrong) != 5 {
		t.Errorf("got %d problems, want 5: %v", len(wrong), err)
	}
}
