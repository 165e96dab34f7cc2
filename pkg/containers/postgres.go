package containers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
)

// Postgres is a real PostgreSQL server, as durable as a deployed one.
type Postgres struct {
	container *testcontainers.DockerContainer
	address   string
	databases atomic.Int64
}

// StartPostgres starts a server, which takes about three seconds, and runs the
// given scripts as the image does with those in /docker-entrypoint-initdb.d.
func StartPostgres(ctx context.Context, scripts ...string) (*Postgres, error) {
	var files []testcontainers.ContainerFile
	for _, s := range scripts {
		files = append(files, testcontainers.ContainerFile{
			HostFilePath: s, ContainerFilePath: "/docker-entrypoint-initdb.d/" + filepath.Base(s), FileMode: 0o755,
		})
	}
	c, err := testcontainers.Run(ctx, image("POSTGRES_IMAGE", "postgres:18"),
		testcontainers.WithEnv(map[string]string{"POSTGRES_PASSWORD": "postgres"}),
		testcontainers.WithExposedPorts("5432/tcp"),
		testcontainers.WithHostConfigModifier(func(c *container.HostConfig) {
			c.PortBindings = network.PortMap{network.MustParsePort("5432/tcp"): {{HostIP: netip.MustParseAddr("127.0.0.1")}}}
		}),
		testcontainers.WithFiles(files...))
	p := &Postgres{container: c}
	if err == nil {
		err = p.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), p.Stop(context.WithoutCancel(ctx)))
	}
	return p, nil
}

// ready waits until the server takes statements. It listens on no port while it
// runs the scripts.
func (p *Postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	port, err := p.container.MappedPort(ctx, "5432/tcp")
	if err != nil {
		return fmt.Errorf("find its port: %w", err)
	}
	p.address = net.JoinHostPort("127.0.0.1", port.Port())
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		err := p.Exec(ctx, `SELECT 1`)
		if err == nil {
			return nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return fmt.Errorf("it takes no statements: %w", err)
		}
	}
}

// Address is where the server listens, host:port.
func (p *Postgres) Address() string { return p.address }

// Database makes an empty database, as deploy/postgres/init.sh makes them, and
// returns its URL. The same name again gives another database.
func (p *Postgres) Database(ctx context.Context, name string) (string, error) {
	name = fmt.Sprintf("%.40s_%d", name, p.databases.Add(1))
	err := p.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()+` TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`)
	if err != nil {
		return "", fmt.Errorf("create database %s: %w", name, err)
	}
	return serverURL(p.address, name), nil
}

// Exec runs a statement as the superuser, in no service's database.
func (p *Postgres) Exec(ctx context.Context, query string, args ...any) error {
	conn, err := pgx.Connect(ctx, serverURL(p.address, "postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, query, args...)
	return errors.Join(err, conn.Close(ctx))
}

// Crash kills one of the server's processes. The server then ends every session,
// discards its memory and recovers from its log, as after a power cut. It listens at
// the same address again within a second or two.
func (p *Postgres) Crash(ctx context.Context) error {
	code, _, err := p.container.Exec(ctx, []string{"sh", "-c", `kill -9 $(psql -U postgres -Atc "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")`})
	if err != nil || code != 0 {
		return fmt.Errorf("crash PostgreSQL: exit code %d: %w", code, err)
	}
	return nil
}

// Stop ends the server and removes its data.
func (p *Postgres) Stop(ctx context.Context) error {
	return testcontainers.TerminateContainer(p.container, testcontainers.StopContext(ctx), testcontainers.StopTimeout(0))
}

func serverURL(address, database string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", "postgres"), Host: address, Path: database, RawQuery: "sslmode=disable"}
	return u.String()
}
