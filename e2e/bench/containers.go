package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// containers are Kafka, Apicurio and PostgreSQL of docker-compose.yml, as a project of
// its own. MailDev is not among them: it keeps every mail, up to 25,000, and shows them
// to people. The sandbox accepts the mails.
type containers struct {
	file    string
	project string
	base    int
	logical bool // PostgreSQL logs enough for a logical decoder
}

func newContainers(dir string, portBase int) *containers {
	return &containers{file: filepath.Join(dir, "docker-compose.yml"), project: fmt.Sprintf("quintet-bench-%d", portBase), base: portBase}
}

// address is a container's own address, on a network that no other run has. A published
// port goes through a process that copies every byte, a cost that no deployment has.
func (c *containers) address(host int) string {
	return fmt.Sprintf("10.213.%d.%d", c.base/100%256, host)
}

const kafkaHost, postgresHost, registryHost = 10, 11, 12

func (c *containers) broker() string { return c.address(kafkaHost) + ":19092" }

func (c *containers) registry() string {
	return "http://" + c.address(registryHost) + ":8080/apis/ccompat/v7"
}

// database is an address for a login whose database and password have its name.
func (c *containers) database(login string) string {
	return fmt.Sprintf("postgres://%s:%s@%s:5432/%s?sslmode=disable", login, login, c.address(postgresHost), login)
}

// superuser is an address of a service's database for the login that may read its log.
func (c *containers) superuser(service string) string {
	return fmt.Sprintf("postgres://postgres:postgres@%s:5432/%s?sslmode=disable", c.address(postgresHost), service)
}

// up starts the containers and returns the process ids of their first processes.
func (c *containers) up(ctx context.Context, dir string) (map[string]int, error) {
	override := filepath.Join(dir, "override.json")
	if err := os.WriteFile(override, c.override(), 0o600); err != nil {
		return nil, err
	}
	names := []string{"kafka", "registry", "postgres"}
	up := append([]string{"--file", override, "up", "--detach", "--wait", "--quiet-pull"}, names...)
	if _, err := c.compose(ctx, up...); err != nil {
		return nil, err
	}
	pids := map[string]int{}
	for _, name := range names {
		text, err := c.docker(ctx, "inspect", "--format", "{{.State.Pid}}", c.project+"-"+name+"-1")
		if err != nil {
			return nil, err
		}
		if pids[name], err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("process id of %s: %w", name, err)
		}
	}
	return pids, nil
}

// override gives the containers their addresses. JSON is YAML.
func (c *containers) override() []byte {
	at := func(host int) map[string]any {
		return map[string]any{"default": map[string]any{"ipv4_address": c.address(host)}}
	}
	subnet := map[string]any{"subnet": c.address(0) + "/24"}
	database := map[string]any{"networks": at(postgresHost)}
	if c.logical {
		database["command"] = []string{"postgres", "-c", "shared_buffers=64MB", "-c", "max_connections=200", "-c", "wal_level=logical"}
	}
	text, _ := json.Marshal(map[string]any{ // strings in maps can always be written
		"networks": map[string]any{"default": map[string]any{"ipam": map[string]any{"config": []any{subnet}}}},
		"services": map[string]any{
			"kafka": map[string]any{"networks": at(kafkaHost), "environment": map[string]string{
				"ADVERTISED_LISTENERS": "INSIDE://kafka:9092,OUTSIDE://" + c.broker()}},
			"postgres": database,
			"registry": map[string]any{"networks": at(registryHost)},
		},
	})
	return text
}

func (c *containers) down() error {
	_, err := c.compose(context.Background(), "down", "--volumes", "--timeout", "3")
	return err
}

func (c *containers) compose(ctx context.Context, args ...string) (string, error) {
	return c.docker(ctx, append([]string{"compose", "--project-name", c.project, "--file", c.file}, args...)...)
}

func (c *containers) docker(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("PORTS=%d", c.base/100), fmt.Sprintf("KAFKA_PORT=%d", c.base+1092))
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, complaint.String())
	}
	return strings.TrimSpace(out.String()), nil
}
