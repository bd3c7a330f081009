package syntax

import (
	"context"
	"runtime"
	"sync"
	"time"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/internal/fault"
)

// Reason says why a statement has no tree.
type Reason string

// The reasons.
const (
	// Syntax: PostgreSQL's grammar refuses it.
	Syntax Reason = "syntax"
	// TooLarge: it is larger than MaxStatement, has more than MaxOperators
	// operators in a chain, or its tree does not fit the worker's memory.
	TooLarge Reason = "too_large"
	// TooDeep: it nests deeper than MaxDepth. Not parsed.
	TooDeep Reason = "too_deep"
	// Crashed: the parser died of it.
	Crashed Reason = "crashed"
	// TimedOut: the parser took longer than Options.Timeout.
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

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Memory == 0 {
		o.Memory = 1 << 30
	}
	return o
}

// Parser parses batches of statements in worker processes, which it starts on
// demand and keeps. It is safe for concurrent use.
type Parser struct {
	options Options
	slots   chan *worker // one entry per allowed process; nil: not started
	closed  chan struct{}
	once    sync.Once
}

// NewParser makes a parser; no process starts before the first Parse.
func NewParser(o Options) *Parser {
	o = o.withDefaults()
	p := &Parser{options: o, slots: make(chan *worker, o.Workers), closed: make(chan struct{})}
	for range o.Workers {
		p.slots <- nil
	}
	return p
}

// Parse returns one Parsed per statement, in order. The error is the
// context's, or says that no worker could be started or that the parser is
// closed; what is wrong with a statement is in its Parsed.
func (p *Parser) Parse(ctx context.Context, statements []string) ([]Parsed, error) {
	results := make([]Parsed, len(statements))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.options.Workers + 1) // answers are read while the workers go on
	for _, b := range batches(statements, results) {
		group.Go(func() error { return p.parseBatch(ctx, b) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return results, nil
}

// Close ends the workers, after the batches under way. Parse fails afterwards.
func (p *Parser) Close() error {
	p.once.Do(func() {
		close(p.closed)
		for range p.options.Workers {
			if w := <-p.slots; w != nil {
				w.end()
			}
		}
	})
	return nil
}

var errClosed = fault.New(fault.Internal, "the SQL parser is closed")

// take waits for a slot and returns its worker, started if need be.
func (p *Parser) take(ctx context.Context) (*worker, error) {
	select {
	case <-p.closed:
		return nil, errClosed
	default:
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, errClosed
	case w := <-p.slots:
		return p.started(w)
	}
}

func (p *Parser) started(w *worker) (*worker, error) {
	if w != nil {
		return w, nil
	}
	w, err := startWorker(p.options.Memory)
	if err != nil {
		p.slots <- nil
		return nil, fault.New(fault.Internal, "the SQL parser's process can't be started").Because(err)
	}
	return w, nil
}

// give puts a worker back; one that failed is ended and its slot emptied.
func (p *Parser) give(w *worker, healthy bool) {
	if !healthy {
		w.end()
		w = nil
	}
	p.slots <- w
}
