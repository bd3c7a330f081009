package deploy_test

import (
	"os"
	"testing"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	if os.Getenv(workerStore) != "" {
		worker()
	}
	os.Exit(m.Run())
}
