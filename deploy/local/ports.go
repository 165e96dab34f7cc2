package local

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
)

// ErrPortTaken is returned when a port that a process of the stack needs is in use.
var ErrPortTaken = errors.New("port taken")

// loopback returns the address of a port on this machine; no process of the stack
// listens anywhere else.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// ReservePortBase finds a port base for one more stack beside those that run, for
// tests. It keeps the base for the caller until release is called or the process ends,
// however it ends.
//
// The reservation is a listener on the base itself, which no process of a stack uses.
// Two callers in two processes cannot both hold it, although the stack's own ports stay
// free until the stack starts. Bases are multiples of 100, so that no port of one stack
// is a port of another. They lie below the range from which the system assigns ports of
// outgoing connections.
func ReservePortBase() (base int, release func(), err error) {
	const tries = 200
	for range tries {
		base := 100 * (100 + rand.IntN(200)) // 10000 to 29900
		held, err := net.Listen("tcp", loopback(base))
		if err != nil {
			continue
		}
		if CheckPorts(base) != nil {
			_ = held.Close()
			continue
		}
		return base, func() { _ = held.Close() }, nil
	}
	return 0, nil, fmt.Errorf("reserve a port base: none of %d bases tried had all its ports free", tries)
}

// CheckPortBase returns an error when no stack can run at a port base.
func CheckPortBase(base int) error {
	if base < 1024 || base > 60000 {
		return fmt.Errorf("PORT_BASE %d must be between 1024 and 60000", base)
	}
	return nil
}

// CheckPorts returns an error that names each taken port and the process of the stack
// that needs it.
func CheckPorts(base int) error {
	var taken []string
	for _, s := range services {
		for _, port := range s.ports(base) {
			l, err := net.Listen("tcp", loopback(port))
			if err != nil {
				taken = append(taken, fmt.Sprintf("%d (%s)", port, s.name))
				continue
			}
			_ = l.Close()
		}
	}
	if len(taken) > 0 {
		return fmt.Errorf("%w: %s", ErrPortTaken, strings.Join(taken, ", "))
	}
	return nil
}
