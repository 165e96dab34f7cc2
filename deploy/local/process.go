package local

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// ErrDied is returned when a process ended without a request to end.
var ErrDied = errors.New("died")

// process is one child, from its start to its end.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   *os.File
	asked atomic.Bool   // a caller requested its end
	done  chan struct{} // closed at its end; exit may be read then
	exit  error         // of cmd.Wait
}

// Start runs one process, which must not run already. It does not wait until the
// process is ready.
func (s *Stack) Start(name string) error {
	if _, ok := find(name); !ok {
		return fmt.Errorf("start %s: no such process", name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.processes[name].alive() {
		return fmt.Errorf("start %s: it is running", name)
	}
	log, err := os.OpenFile(s.LogFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	cmd := exec.Command(filepath.Join(s.opts.BinDir, name))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	// Of two settings of a name the last counts.
	cmd.Env = slices.Concat([]string{processors()}, os.Environ(), environment(s.opts.PortBase), []string{"DATA_DIR=" + s.dataDir(name)}, s.opts.Env[name], s.settings[name])

	p := &process{name: name, cmd: cmd, log: log, done: make(chan struct{})}
	started := make(chan error)
	go s.run(p, started)
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	s.processes[name] = p
	return s.writeState()
}

// run starts the child and waits for its end, on one thread of the operating system.
// The kernel kills a child when the thread that started it ends, not only when the
// process does. The thread of an unlocked goroutine may end at any time.
func (s *Stack) run(p *process, started chan<- error) {
	runtime.LockOSThread() // for good: the thread ends with this goroutine, after the child
	defer p.log.Close()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.exit = p.cmd.Wait()
	close(p.done)
	if !p.asked.Load() {
		select {
		case s.died <- p.death():
		default: // no receiver is left
		}
	}
}

// Kill ends a process as kill -9 does, paused or not, and returns when it is gone.
func (s *Stack) Kill(name string) error {
	p := s.process(name)
	if !p.alive() {
		return fmt.Errorf("kill %s: it is not running", name)
	}
	p.asked.Store(true)
	_ = p.cmd.Process.Kill() // fails when it has just ended
	<-p.done
	return nil
}

// Terminate asks a process to end, as SIGTERM does, and returns when it is gone. It
// returns an error if the process ended with a status other than 0. It kills a process
// that needs over 10 s, and returns an error.
func (s *Stack) Terminate(name string) error {
	p := s.process(name)
	if !p.alive() {
		return fmt.Errorf("terminate %s: it is not running", name)
	}
	return p.terminate(10 * time.Second)
}

// Pause freezes a process (SIGSTOP): its ports stay open, nothing answers. On Linux the
// process has stopped when Pause returns.
func (s *Stack) Pause(name string) error {
	if err := s.signal(name, syscall.SIGSTOP); err != nil {
		return err
	}
	// One thread receives the signal and then stops the others. Until then they go on
	// answering.
	ticks, bound := time.NewTicker(time.Millisecond), time.NewTimer(time.Second)
	defer ticks.Stop()
	defer bound.Stop()
	for p := s.process(name); p.alive() && !stopped(p.cmd.Process.Pid); {
		select {
		case <-ticks.C:
		case <-bound.C:
			return fmt.Errorf("pause %s: it has not stopped", name)
		}
	}
	return nil
}

// Resume lets a paused process go on.
func (s *Stack) Resume(name string) error { return s.signal(name, syscall.SIGCONT) }

func (s *Stack) signal(name string, signal syscall.Signal) error {
	p := s.process(name)
	if !p.alive() {
		return fmt.Errorf("%s %s: it is not running", signal, name)
	}
	return p.cmd.Process.Signal(signal)
}

func (s *Stack) process(name string) *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.processes[name]
}

func (p *process) alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) terminate(grace time.Duration) error {
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has just ended
	_ = p.cmd.Process.Signal(syscall.SIGCONT) // a paused process would not see the other signal
	deadline := time.NewTimer(grace)
	defer deadline.Stop()
	select {
	case <-p.done:
	case <-deadline.C:
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not stop within %s and was killed", p.name, grace)
	}
	if p.exit != nil {
		return fmt.Errorf("%s stopped with %s: %s", p.name, p.status(), lastLine(p.log.Name()))
	}
	return nil
}

// death returns one line on a process that has ended: its name, its status, its last
// words.
func (p *process) death() error {
	return fmt.Errorf("%s %w: %s: %s (%s)", p.name, ErrDied, p.status(), lastLine(p.log.Name()), p.log.Name())
}

// status returns how a process ended, such as "exit status 2" or "signal: killed".
func (p *process) status() string {
	var exit *exec.ExitError
	if p.exit == nil || errors.As(p.exit, &exit) {
		return p.cmd.ProcessState.String()
	}
	return p.exit.Error()
}

// lastLine returns the last line of a log that reports trouble. It is plain text, as of
// a panic or main's error, or a structured warning or error. It reads only the last 4
// KiB.
func lastLine(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "its log cannot be read: " + err.Error()
	}
	tail := make([]byte, min(info.Size(), 4096))
	n, _ := file.ReadAt(tail, info.Size()-int64(len(tail)))
	for _, line := range slices.Backward(bytes.Split(bytes.TrimSpace(tail[:n]), []byte("\n"))) {
		if text := trouble(line); text != "" {
			return text
		}
	}
	return "its log tells of no trouble"
}

// trouble returns the failure that a line reports, or an empty string if it reports
// none.
func trouble(line []byte) string {
	var structured struct{ Level, Msg, Error string }
	if json.Unmarshal(line, &structured) != nil {
		return string(line)
	}
	if structured.Level != "WARN" && structured.Level != "ERROR" {
		return ""
	}
	return strings.TrimSuffix(structured.Msg+": "+structured.Error, ": ")
}
