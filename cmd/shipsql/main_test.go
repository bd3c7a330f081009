package main

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("SHIPSQL_TEST_AS_COMMAND") != "" { // a shell in a test calls us
		main()
	}
	os.Exit(m.Run())
}
