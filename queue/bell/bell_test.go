package bell_test

import (
	"testing"

	"github.com/shipsql/shipsql/queue"
	"github.com/shipsql/shipsql/queue/bell"
	"github.com/shipsql/shipsql/queue/belltest"
)

func TestConformance(t *testing.T) {
	belltest.Run(t, func(t *testing.T) func() queue.Bell {
		b := bell.NewLocal() // one place is one process
		t.Cleanup(func() { _ = b.Close() })
		return func() queue.Bell { return b }
	})
}
