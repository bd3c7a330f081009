package loopback_test

import (
	"net"
	"testing"

	"github.com/shipsql/shipsql/internal/loopback"
)

func TestAFreePortIsNobodysByAccident(t *testing.T) {
	t.Parallel()
	for range 50 {
		port, err := loopback.Free(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if port >= 32768 {
			t.Errorf("port %d is one that the system hands out", port)
		}
		listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", loopback.Address(port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
	}
}
