package mysql

import (
	"errors"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

// Refusal is the first thing in a migration's text that the engine never runs,
// nil when there is none. No server is asked: whether a USE names the right
// database is not judged.
func Refusal(flavour syntax.Flavour, m executor.Migration) *executor.Failure {
	_, err := compiler{flavour: flavour}.compile(ledger.Decision{Migration: m})
	failure, _ := errors.AsType[*executor.Failure](err)
	return failure
}
