package main

import (
	"os"
	"testing"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	os.Exit(m.Run())
}
