// Package sandbox simulates the outside world: a payment provider and a carrier over
// HTTP, and a mail server over SMTP. They behave as real ones do, by idempotency key
// and with tombstones. They misbehave on demand, by magic values and by faults.
// Append-only ledgers on disk record every effect, and tests call them as witnesses.
//
// Guarantees. A key may be repeated, used concurrently, or cut short by a kill. Each
// effect of the key still happens at most once, and the ledger states it before the
// caller can know. Keys, tombstones, counters and lifted tokens survive a restart;
// faults set by POST /faults do not.
package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is the configuration from the environment.
type Config struct {
	PortBase  int    `env:"PORT_BASE" envDefault:"8000"`
	HTTPAddr  string `env:"HTTP_ADDR"` // default 127.0.0.1:PORT_BASE+10
	SMTPAddr  string `env:"SMTP_ADDR"` // default 127.0.0.1:PORT_BASE+25; the variable that says to the email service where this is
	DataDir   string `env:"DATA_DIR" envDefault:".quintet/sandbox"`
	SMTPRelay string `env:"SMTP_RELAY"` // host:port of a mail server that receives the accepted messages; default none
}

const (
	httpOffset = 10
	smtpOffset = 25
)

// ConfigFromEnv reads Config and names every problem at once.
func ConfigFromEnv() (Config, error) {
	cfg, err := env.ParseAs[Config]()
	wrong := []error{err}
	if cfg.PortBase < 1 || cfg.PortBase > 65535-smtpOffset {
		wrong = append(wrong, fmt.Errorf("PORT_BASE %d leaves no room for ports", cfg.PortBase))
	}
	if _, _, err := net.SplitHostPort(cfg.SMTPRelay); cfg.SMTPRelay != "" && err != nil {
		wrong = append(wrong, fmt.Errorf("SMTP_RELAY must be host:port: %w", err))
	}
	on := func(offset int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(cfg.PortBase+offset)) }
	cfg.HTTPAddr, cfg.SMTPAddr = cmp.Or(cfg.HTTPAddr, on(httpOffset)), cmp.Or(cfg.SMTPAddr, on(smtpOffset))
	return cfg, errors.Join(wrong...)
}

// Run is the process: it serves until ctx is done and then stops within 2 s.
func Run(ctx context.Context, cfg Config) error {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("service", "sandbox")
	s, err := Open(cfg, log)
	if err != nil {
		return err
	}
	return s.Serve(ctx)
}

// Sandbox is the outside world.
type Sandbox struct {
	HTTPAddr string // host:port, as bound
	SMTPAddr string

	log       *slog.Logger
	stopping  context.Context // done once Serve stops; ends calls that are never answered
	stop      context.CancelFunc
	http      net.Listener
	smtp      net.Listener
	faults    *faults
	ledgers   map[string]*ledger
	payments  *payments
	shipments *shipments
	mails     *mails
}

// Open rebuilds the state from the ledgers in cfg.DataDir, which it creates if need be.
// It binds both addresses; port 0 picks a free one. Serve must follow.
func Open(cfg Config, log *slog.Logger) (*Sandbox, error) {
	s := &Sandbox{log: log, faults: &faults{}, ledgers: map[string]*ledger{}}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.payments = &payments{stopping: s.stopping, byKey: map[string]payment{}}
	s.shipments = &shipments{byKey: map[string]shipment{}}
	s.mails = &mails{stopping: s.stopping, faults: s.faults, relay: cfg.SMTPRelay, greylist: map[string]int{}}
	if err := s.open(cfg.DataDir, cfg.HTTPAddr, cfg.SMTPAddr); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// open binds first. Two sandboxes started on one directory and one port base by mistake
// must not both truncate the ledgers.
func (s *Sandbox) open(dir, httpAddr, smtpAddr string) (err error) {
	if s.http, err = net.Listen("tcp", httpAddr); err != nil {
		return fmt.Errorf("bind HTTP: %w", err)
	}
	if s.smtp, err = net.Listen("tcp", smtpAddr); err != nil {
		return fmt.Errorf("bind SMTP: %w", err)
	}
	s.HTTPAddr, s.SMTPAddr = s.http.Addr().String(), s.smtp.Addr().String()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	for _, l := range []struct {
		name string
		into **ledger
		fold func(Entry)
	}{
		{"payments", &s.payments.ledger, s.payments.fold},
		{"shipments", &s.shipments.ledger, s.shipments.fold},
		{"mails", &s.mails.ledger, s.mails.fold},
	} {
		opened, err := openLedger(dir, l.name, l.fold, s.log)
		if err != nil {
			return err
		}
		*l.into, s.ledgers[l.name] = opened, opened
	}
	return nil
}

// close releases everything that open acquired, as far as open came.
func (s *Sandbox) close() error {
	s.stop()
	var errs []error
	for _, l := range []net.Listener{s.http, s.smtp} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) { // the servers close theirs
			errs = append(errs, err)
		}
	}
	for _, l := range s.ledgers {
		errs = append(errs, l.file.Close())
	}
	return errors.Join(errs...)
}

const grace = 1500 * time.Millisecond

// Serve answers until ctx is done or a listener breaks, and then stops within 2 s. It
// ends held calls without an answer, and finishes the others.
func (s *Sandbox) Serve(ctx context.Context) error {
	web := &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute, // no WriteTimeout: never answering is a feature
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	post := s.mails.server(slog.NewLogLogger(s.log.Handler(), slog.LevelWarn))

	broken := make(chan error, 2)
	go func() { broken <- web.Serve(s.http) }()
	go func() { broken <- post.Serve(door{s.smtp, s.faults, s.stopping}) }()
	s.log.Info("ready", "http", s.HTTPAddr, "smtp", s.SMTPAddr)

	var err error
	select {
	case <-ctx.Done():
	case err = <-broken:
		err = fmt.Errorf("serve: %w", err)
	}

	// The held calls end first, and mail stops before HTTP. The door closes its
	// connections at once. web waits for callers that have connected and not yet sent a
	// request. That wait may take all the time that is left.
	s.stop()
	within, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	err = errors.Join(err, post.Shutdown(within))
	if late := web.Shutdown(within); late != nil {
		err = errors.Join(err, web.Close())
	}
	err = errors.Join(err, s.close())
	s.log.Info("stopped")
	return err
}
