package compose

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// parts are the parts that may be ended, by their names in the stories. The services in
// docker-compose.yml have the same names, except the broker. MailDev is not among them:
// the stories read the delivered mails there, and a restart loses them.
var parts = append(slices.Clone(services), "broker", "registry", "sandbox", "postgres", "gateway")

// Parts are the parts that may be ended and started.
func (s *Stack) Parts() []string { return parts }

// Instances are the names of a part's containers, without the project's.
func (s *Stack) Instances(part string) []string {
	if !slices.Contains(services, part) {
		return []string{part}
	}
	names := make([]string, s.opts.Instances)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d", part, i+1)
	}
	return names
}

// InstancesBefore are a service's instances of the version before.
func (s *Stack) InstancesBefore(service string) []string {
	names := s.Instances(service)
	for i := range names {
		names[i] = fmt.Sprintf("%s%s-%d", service, before, i+1)
	}
	return names
}

// containers are the containers of a part or of one instance.
func (s *Stack) containers(name string) ([]string, error) {
	part, _, one := strings.Cut(name, "-")
	if !slices.Contains(parts, part) {
		return nil, fmt.Errorf("%s: no such part", name)
	}
	if part == "broker" {
		return []string{s.opts.Project + "-kafka-1"}, nil
	}
	if one {
		return []string{s.opts.Project + "-" + name}, nil
	}
	instances := s.Instances(part)
	if len(instances) == 1 {
		return []string{s.opts.Project + "-" + part + "-1"}, nil
	}
	for i := range instances {
		instances[i] = s.opts.Project + "-" + instances[i]
	}
	return instances, nil
}

// each runs a docker command on all containers of a name at once.
func (s *Stack) each(name string, command ...string) error {
	of, err := s.containers(name)
	if err != nil {
		return err
	}
	_, err = s.docker(context.Background(), append(command, of...)...)
	return err
}

// Start starts a part or an instance that does not run. Docker recreates a part whose
// settings have changed.
func (s *Stack) Start(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.changed[name] {
		return s.each(name, "start")
	}
	_, err := s.compose(context.Background(), "up", "--detach", "--no-deps", "--no-build", "--scale", fmt.Sprintf("%s=%d", name, len(s.Instances(name))), name)
	if err == nil {
		delete(s.changed, name)
	}
	return err
}

// Kill ends containers as kill -9 does.
func (s *Stack) Kill(name string) error { return s.each(name, "kill", "--signal", "KILL") }

// Pause freezes containers: their ports stay open, they answer nothing.
func (s *Stack) Pause(name string) error {
	of, err := s.containers(name)
	if err != nil {
		return err
	}
	for _, container := range of {
		if err := s.pause(container); err != nil {
			return err
		}
	}
	return nil
}

// pause retries when the runtime was "unable to freeze". The kernel cannot finish
// freezing a container in which a process is being created, such as a health check's.
// The runtime then resumes the whole container, and leaves a retry to its caller
// (opencontainers/runc#2791, #4388).
func (s *Stack) pause(container string) (err error) {
	for range 10 {
		if _, err = s.docker(context.Background(), "pause", container); err == nil || !strings.Contains(err.Error(), "unable to freeze") {
			return err
		}
	}
	return err
}

// Resume resumes paused containers.
func (s *Stack) Resume(name string) error { return s.each(name, "unpause") }

// Terminate stops containers by SIGTERM and returns when they have ended. It fails if one
// had to be killed, or ended with another status than 0 or 143.
func (s *Stack) Terminate(name string) error {
	of, err := s.containers(name)
	if err != nil {
		return err
	}
	if err := s.each(name, "stop", "--time", "20"); err != nil {
		return err
	}
	codes, err := s.docker(context.Background(), append([]string{"inspect", "--format", "{{.Name}} {{.State.ExitCode}}"}, of...)...)
	if err != nil {
		return err
	}
	var failed []error
	for line := range strings.Lines(codes) {
		container, code, _ := strings.Cut(strings.TrimSpace(line), " ")
		if code != "0" && code != "143" { // 143: a JVM ends so on SIGTERM
			failed = append(failed, fmt.Errorf("%s stopped with exit code %s", container, code))
		}
	}
	return errors.Join(failed...)
}

// Configure gives a service settings from its next start on.
func (s *Stack) Configure(part string, env ...string) error {
	if !slices.Contains(services, part) {
		return fmt.Errorf("configure %s: only services can be", part)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.env[part], s.changed[part] = env, true
	return s.writeOverride()
}

// Forget removes a part's container and its volume. Docker refuses to remove the volume of
// a part that runs. A part without a volume is an error. The next start recreates both.
func (s *Stack) Forget(part string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	volume := s.opts.Project + "_" + part
	if _, err := s.docker(context.Background(), "volume", "inspect", volume); err != nil {
		return fmt.Errorf("make %s forget: it keeps nothing: %w", part, err)
	}
	if _, err := s.compose(context.Background(), "rm", "--force", "--volumes", part); err != nil {
		return err
	}
	if _, err := s.docker(context.Background(), "volume", "rm", volume); err != nil {
		return fmt.Errorf("make %s forget: %w", part, err)
	}
	s.changed[part] = true
	return nil
}

// Tail is the end of the logs of a part's containers.
func (s *Stack) Tail(name string, lines int) string {
	of, err := s.containers(name)
	if err != nil {
		return err.Error()
	}
	var all []string
	for _, container := range of {
		ctx, cancel := context.WithTimeout(context.Background(), commandBound)
		text, err := exec.CommandContext(ctx, "docker", "logs", "--tail", strconv.Itoa(lines), container).CombinedOutput()
		cancel()
		if err != nil {
			text = append(text, err.Error()...)
		}
		all = append(all, container, strings.TrimSpace(string(text)))
	}
	return strings.Join(all, "\n")
}
