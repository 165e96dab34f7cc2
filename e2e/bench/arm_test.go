package bench

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnArmIsStartedByItsOwnCommand(t *testing.T) {
	arm := Arm{services: Services, command: func(service string) []string { return []string{"echo", "W's", service} }}
	dir := t.TempDir()
	bin, err := World{Bin: "bin"}.wrap(arm, dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), filepath.Join(bin, "email")).Output()
	if err != nil || string(text) != "W's email\n" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestAnArmThatIsNotBuiltIsLeftOut(t *testing.T) {
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	here := programs{bin: t.TempDir(), peers: "nowhere", self: t.TempDir()}
	arms, err := here.find([]string{"N", "M"}, say)
	if err != nil || len(arms) != 1 || len(said) != 1 || !strings.Contains(said[0], "N is left out") {
		t.Errorf("%d arms, %q, %v", len(arms), said, err)
	}
	if _, err := here.find([]string{"X"}, say); err == nil {
		t.Error("an arm that nobody knows is no error")
	}
	if _, err := here.find([]string{"N"}, say); err == nil {
		t.Error("nothing to measure is no error")
	}
}
