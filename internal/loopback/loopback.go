// Package loopback finds addresses for servers that begin to listen a moment later,
// in a process of their own.
package loopback

import (
	"context"
	"math/rand/v2"
	"net"
	"strconv"

	"github.com/shipsql/shipsql/internal/fault"
)

// Ports that are tried lie below those that systems hand out to whoever asks for
// any, on either end of a connection: 32768 and above on Linux
// (net.ipv4.ip_local_port_range), 49152 elsewhere.
const (
	lowest  = 10000
	highest = 32767
	tries   = 100
)

// Free finds a loopback port that nobody listens on now. Nobody gets it by accident
// before it is used; who asks for it by its number may.
func Free(ctx context.Context) (port int, err error) {
	for range tries {
		port = lowest + rand.IntN(highest-lowest+1) //nolint:gosec // any will do
		if err = free(ctx, port); err == nil {
			return port, nil
		}
	}
	return 0, fault.New(fault.Unreachable, "no free loopback port").Because(err)
}

func free(ctx context.Context, port int) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", Address(port))
	if err != nil {
		return err
	}
	return listener.Close()
}

// Address is a port's on the loopback interface, as host:port.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
