package intake_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

// TestMain makes the binary play what it was started as: a worker of the parser,
// a node, or the tests.
func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	if text := os.Getenv(playNode); text != "" {
		if err := play(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
