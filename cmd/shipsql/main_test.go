package main

import (
	"os"
	"testing"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	if os.Getenv("SHIPSQL_TEST_AS_COMMAND") != "" { // a shell in a test calls us
		main()
	}
	os.Exit(m.Run())
}
