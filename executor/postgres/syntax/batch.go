package syntax

import (
	"context"
	"fmt"
	"unicode/utf8"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

// A batch is what one worker gets in one round trip.
const (
	batchStatements = 128
	batchBytes      = 128 << 10
)

// outOfMemory is PostgreSQL's message when an allocation fails.
const outOfMemory = "out of memory"

// batch holds statements and where each one's result goes.
type batch struct {
	statements []string
	results    []*Parsed
}

// batches answers what the guard refuses and groups the rest.
func batches(statements []string, results []Parsed) []*batch {
	var all []*batch
	current, size := &batch{}, 0
	for i, s := range statements {
		if results[i].Err = guard(s); results[i].Err != nil {
			continue
		}
		if len(current.statements) == batchStatements || size+len(s) > batchBytes && size > 0 {
			all = append(all, current)
			current, size = &batch{}, 0
		}
		current.statements = append(current.statements, s)
		current.results = append(current.results, &results[i])
		size += len(s)
	}
	if len(current.statements) > 0 {
		all = append(all, current)
	}
	return all
}

// parseBatch has a worker parse all of b. When the worker is lost it goes on
// in careful mode with what was not answered; when that worker is lost too,
// the first statement without an answer is the culprit.
func (p *Parser) parseBatch(ctx context.Context, b *batch) error {
	for m := fast; len(b.statements) > 0; m = careful {
		lost, err := p.round(ctx, m, b)
		if err != nil {
			return err
		}
		if lost != nil && m == careful {
			b.results[0].Err = lost
			b.statements, b.results = b.statements[1:], b.results[1:]
		}
	}
	return nil
}

// round is one request. It takes what was answered off b; lost says how the
// worker was lost, if it was.
func (p *Parser) round(ctx context.Context, m mode, b *batch) (lost *Error, err error) {
	w, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	timed, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	answers, failure := w.run(timed, m, b.statements)
	p.give(w, failure == nil)
	for i, a := range answers {
		*b.results[i] = decode(b.statements[i], a)
	}
	b.statements, b.results = b.statements[len(answers):], b.results[len(answers):]
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case failure == nil || len(b.statements) == 0:
	case timed.Err() != nil:
		lost = &Error{TimedOut, fmt.Sprintf("the parser did not finish within %s", p.options.Timeout), -1}
	default:
		lost = &Error{Crashed, "the parser crashed on this statement", -1}
	}
	return lost, nil
}

// decode turns a worker's answer into a result.
func decode(sql string, a answer) Parsed {
	if a.kind == answerError {
		return Parsed{Err: refusal(sql, string(a.body), a.cursor)}
	}
	var tree pg_query.ParseResult
	if err := proto.Unmarshal(a.body, &tree); err != nil {
		return Parsed{Err: &Error{Crashed, "the parser's answer is malformed: " + err.Error(), -1}}
	}
	switch len(tree.GetStmts()) {
	case 0:
		return Parsed{}
	case 1:
		return Parsed{Tree: tree.GetStmts()[0].GetStmt()}
	}
	return Parsed{Err: &Error{Syntax, "several statements where one was expected", int(tree.GetStmts()[1].GetStmtLocation())}}
}

func refusal(sql, message string, cursor int) *Error {
	if message == outOfMemory {
		return &Error{TooLarge, "the statement's tree does not fit the parser's memory", -1}
	}
	return &Error{Syntax, message, byteOffset(sql, cursor)}
}

// byteOffset turns the grammar's cursor, 1-based in characters, into a byte
// offset; -1 when it has none.
func byteOffset(sql string, cursor int) int {
	if cursor <= 0 {
		return -1
	}
	offset := 0
	for range cursor - 1 {
		if offset == len(sql) {
			break
		}
		_, size := utf8.DecodeRuneInString(sql[offset:])
		offset += size
	}
	return offset
}
