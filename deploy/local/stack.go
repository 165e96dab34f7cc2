package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// A whole stack stops within 10 s. The services stop first, so that they can publish
// their committed records, and the infrastructure stops then. A process that runs
// longer is killed, which loses nothing that was acknowledged.
const (
	serviceGrace        = 7 * time.Second
	infrastructureGrace = 2 * time.Second
)

// Options are the parts of a stack.
type Options struct {
	BinDir   string              // holds the executables, named as in [Names]
	DataDir  string              // holds all state and, in logs/, the output of the processes; created when missing
	PortBase int                 // the ports follow from it
	Env      map[string][]string // by process name: "KEY=value" beyond the settings of every process
}

// Stack is a set of running processes. Its methods may be called from several goroutines.
type Stack struct {
	opts Options
	lock *os.File
	died chan error

	mu        sync.Mutex
	processes map[string]*process // the last one started of each name
	settings  map[string][]string // by name, beyond the options
}

// New prepares a stack and starts nothing. It returns an [ErrPortTaken] that names
// ports and processes, and an error when another stack holds the data directory.
func New(opts Options) (*Stack, error) {
	if err := CheckPortBase(opts.PortBase); err != nil {
		return nil, err
	}
	for _, path := range []*string{&opts.BinDir, &opts.DataDir} {
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return nil, fmt.Errorf("find directory: %w", err)
		}
		*path = absolute
	}
	if err := os.MkdirAll(filepath.Join(opts.DataDir, "logs"), 0o755); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock, err := lockDirectory(opts.DataDir)
	if err != nil {
		return nil, err
	}
	if err := CheckPorts(opts.PortBase); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return &Stack{
		opts:      opts,
		lock:      lock,
		died:      make(chan error, len(services)),
		processes: make(map[string]*process),
		settings:  make(map[string][]string),
	}, nil
}

// lockDirectory keeps a second stack out of the data directory for as long as this
// process lives.
func lockDirectory(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("another stack is running in %s", dir)
	}
	return lock, nil
}

// Clean removes a data directory. It refuses while a stack runs in it. The processes
// would otherwise continue in files that no process can open again, and lose the
// records that they acknowledge.
func Clean(dataDir string) error {
	if _, err := os.Stat(dataDir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := lockDirectory(dataDir)
	if err != nil {
		return fmt.Errorf("%w; stop it first", err)
	}
	defer lock.Close()
	return os.RemoveAll(dataDir)
}

// Up starts every process that does not run yet and returns when all are ready.
func (s *Stack) Up(ctx context.Context) error {
	for _, name := range Names() {
		if s.process(name).alive() {
			continue
		}
		if err := s.Start(name); err != nil {
			return err
		}
	}
	return s.WaitReady(ctx)
}

// Died delivers one error for each process that ended without a request. The error has
// the exit status and the last line of log.
func (s *Stack) Died() <-chan error { return s.died }

// URL returns the address of a process: the base URL of its HTTP API, or the address of
// the broker.
func (s *Stack) URL(name string) string { return URL(s.opts.PortBase, name) }

// LogFile returns the path of the file with all output of the process.
func (s *Stack) LogFile(name string) string {
	return filepath.Join(s.opts.DataDir, "logs", name+".log")
}

// Stop ends every process within 10 s and unlocks the data directory; the stack is of
// no use after it. It returns an error that names each process that had to be killed or
// failed while it stopped.
func (s *Stack) Stop() error {
	defer s.lock.Close()
	names := Names()
	err := errors.Join(
		s.terminate(names[infrastructure:], serviceGrace),
		s.terminate(names[:infrastructure], infrastructureGrace),
	)
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.writeState())
}

func (s *Stack) terminate(names []string, grace time.Duration) error {
	problems := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() {
			if p := s.process(name); p.alive() {
				problems[i] = p.terminate(grace)
			}
		})
	}
	all.Wait()
	return errors.Join(problems...)
}
