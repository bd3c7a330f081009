package torture_test

import (
	"os"
	"testing"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

// TestMain makes the binary play what it was started as: a worker of the parser,
// a worker that applies a folder, or the tests.
func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	if text := os.Getenv(playWorker); text != "" {
		os.Exit(play(text))
	}
	code := m.Run()
	_ = parser.Close()
	os.Exit(code)
}
