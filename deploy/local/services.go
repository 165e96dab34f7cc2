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

// services are listed in the order of their start. Nothing depends on that order: it
// only spares the log the complaints of the early ones.
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

// infrastructure is the number of leading processes that stop after the services. So
// the services can publish their committed records before they stop.
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

// URL returns the address of a process in a stack at a port base. That is the base URL
// of its HTTP API, or the address of the broker.
func URL(portBase int, name string) string {
	service, ok := find(name)
	if !ok {
		return ""
	}
	return service.url(portBase)
}

// url returns an http URL, or the bare address of the broker.
func (s service) url(base int) string {
	if s.http == 0 {
		return loopback(base + s.raw)
	}
	return "http://" + loopback(base+s.http)
}

// processors limits the cores that a process uses at once, unless GOMAXPROCS is set.
// The processes share the cores of the supervisor, and a service is one loop. With more
// cores, its threads wake each other up for nothing. On 2 cores the limit brought a
// third more orders a second. It halved the p99 at 20 orders a second (ADR 22).
func processors() string { return fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.GOMAXPROCS(0)/4)) }

// environment returns the settings that every process of the stack gets about the
// others. Each process also gets its own DATA_DIR.
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
