package local

import (
	"fmt"
	"runtime"
	"slices"
)

// service is one process of the stack.
type service struct {
	name string
	http int // offset of its HTTP port from the port base; 0: it has none
	raw  int // offset of a port that speaks another protocol (Kafka, SMTP); 0: it has none
}

// services in the order in which they are started. Nothing depends on that order: it only spares the log the
// complaints of the early ones.
var services = []service{
	{name: "broker", raw: 1092},
	{name: "registry", http: 81},
	{name: "sandbox", http: 10, raw: 25},
	{name: "order", http: 1},
	{name: "inventory", http: 2},
	{name: "payment", http: 3},
	{name: "shipping", http: 4},
	{name: "email", http: 5},
}

// infrastructure is stopped after the services, so that these can publish what they have committed before they go.
const infrastructure = 3

// Names lists the processes of a stack in the order of their start.
func Names() []string {
	names := make([]string, len(services))
	for i, s := range services {
		names[i] = s.name
	}
	return names
}

func find(name string) (service, bool) {
	at := slices.IndexFunc(services, func(s service) bool { return s.name == name })
	if at < 0 {
		return service{}, false
	}
	return services[at], true
}

func (s service) ports(base int) []int {
	var ports []int
	if s.http != 0 {
		ports = append(ports, base+s.http)
	}
	if s.raw != 0 {
		ports = append(ports, base+s.raw)
	}
	return ports
}

// URL is where the process of that name answers in a stack at a port base: the base URL of its HTTP API, for the broker its address.
func URL(portBase int, name string) string {
	service, ok := find(name)
	if !ok {
		return ""
	}
	return service.url(portBase)
}

// url is where the process answers: an http URL, or the bare address of the broker.
func (s service) url(base int) string {
	if s.http == 0 {
		return loopback(base + s.raw)
	}
	return "http://" + loopback(base+s.http)
}

// processors is how many cores a process uses at once, unless GOMAXPROCS says so: the processes share what the supervisor
// may use, and a service is one loop. With more, its threads wake each other up for nothing. On 2 cores it bought a third
// more orders a second and half of the p99 at 20 a second (ADR 22).
func processors() string { return fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.GOMAXPROCS(0)/4)) }

// environment is what every process of the stack is told about the others, besides its own DATA_DIR.
func environment(base int) []string {
	return []string{
		fmt.Sprintf("PORT_BASE=%d", base),
		"KAFKA_BROKERS=" + loopback(base+1092),
		"SCHEMA_REGISTRY_URL=http://" + loopback(base+81),
		"PROVIDER_URL=http://" + loopback(base+10),
		"CARRIER_URL=http://" + loopback(base+10),
		"SMTP_ADDR=" + loopback(base+25),
	}
}
