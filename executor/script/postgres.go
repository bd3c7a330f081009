package script

import (
	"regexp"
	"strings"
)

// scanPostgres takes PostgreSQL's SQL apart.
func scanPostgres(c *collector, end string) {
	s := postgresSplitter{lexer: lexer{sql: c.file, delimiter: delimiter(end)}, collector: c}
	for s.step() {
	}
}

// postgresSplitter collects statements while it reads tokens.
type postgresSplitter struct {
	lexer
	*collector

	parens   int
	routine  routine
	copyFrom copyFrom
}

// step handles one token and says whether there are more.
func (s *postgresSplitter) step() bool {
	t := s.next()
	switch t.kind {
	case tokenEnd:
		if s.copyFrom.stdin() {
			s.ended = true
			s.finish(CopyIn)
		}
		return false
	case tokenComment:
		if s.comment(t.start, t.end) {
			s.reset()
		}
	case tokenDelimiter:
		s.delimited(t)
	case tokenBackslash:
		s.end(SQL)
		s.lineComment() // psql reads on to the line's end
		s.take(pgToken{tokenOther, t.start, t.start + len(strings.TrimRight(s.sql[t.start:s.pos], " \t"))})
		s.end(Psql)
	default:
		s.take(t)
	}
	return true
}

// delimited ends the statement, unless a semicolon is part of it. A delimiter
// that the form names is never part of one.
func (s *postgresSplitter) delimited(t pgToken) {
	switch {
	case s.inBlock: // inside when something of the block follows, else its end
	case s.delimiter == "" && (s.parens > 0 || s.routine.depth > 0):
		s.take(t)
	default:
		s.end(SQL)
	}
}

// take makes a token part of the current statement.
func (s *postgresSplitter) take(t pgToken) {
	s.collector.take(t.start, t.end)
	switch t.kind {
	default:
	case tokenOpen:
		s.parens++
	case tokenClose:
		s.parens = max(0, s.parens-1)
	case tokenWord:
		if s.parens == 0 {
			word := s.sql[t.start:t.end]
			s.routine.word(word)
			s.copyFrom.word(word)
		}
	}
}

// end ends the current statement, if there is one.
func (s *postgresSplitter) end(kind Kind) {
	if s.copyFrom.stdin() {
		kind = CopyIn
	}
	if s.finish(kind) {
		if kind == CopyIn {
			s.skipCopyData()
		}
		s.reset()
	}
}

func (s *postgresSplitter) reset() { s.parens, s.routine, s.copyFrom = 0, routine{}, copyFrom{} }

// skipCopyData moves behind the line \. that ends the data, which begin in the
// line after the statement; without it they go on to the end of the file.
func (s *postgresSplitter) skipCopyData() {
	s.lineComment()
	if end := copyEnd.FindStringIndex(s.sql[s.pos:]); end != nil {
		s.pos += end[1]
		return
	}
	s.pos = len(s.sql)
}

var copyEnd = regexp.MustCompile(`(?m)^\\\.\r?$`)

// routine watches for the body of CREATE [OR REPLACE] FUNCTION or PROCEDURE that
// is written as BEGIN ATOMIC … END; its semicolons don't end the statement.
type routine struct {
	state int // index into the words that lead to a body, -1 when it can't come
	begin bool
	depth int // of BEGIN ATOMIC and CASE
}

func (r *routine) word(word string) {
	switch {
	case r.state < 0:
	case r.state < routineBody:
		r.state = routineState(r.state, word)
	case r.depth > 0 && strings.EqualFold(word, "case"):
		r.depth++
	case r.depth > 0 && strings.EqualFold(word, "end"):
		r.depth--
	case r.depth == 0 && r.begin && strings.EqualFold(word, "atomic"):
		r.depth = 1
	default:
		r.begin = strings.EqualFold(word, "begin")
	}
}

// The states of a routine's head.
const (
	routineCreate  = iota // expects CREATE
	routineOr             // OR, FUNCTION, PROCEDURE
	routineReplace        // REPLACE
	routineKind           // FUNCTION, PROCEDURE
	routineBody           // anything
)

func routineState(state int, word string) int {
	is := func(words ...string) bool {
		for _, w := range words {
			if strings.EqualFold(word, w) {
				return true
			}
		}
		return false
	}
	switch {
	case state == routineCreate && is("create"):
		return routineOr
	case state == routineOr && is("or"):
		return routineReplace
	case state == routineReplace && is("replace"):
		return routineKind
	case (state == routineOr || state == routineKind) && is("function", "procedure"):
		return routineBody
	}
	return -1
}

// copyFrom watches for COPY … FROM STDIN, whose data follow in the file.
type copyFrom struct{ state int }

// The states of a COPY statement.
const (
	copyNot   = -1
	copyFirst = iota - 1 // expects COPY
	copySeen             // waits for FROM
	copyFromSeen
	copyStdin
)

func (c *copyFrom) word(word string) {
	switch {
	case c.state == copyFirst && strings.EqualFold(word, "copy"),
		c.state == copySeen && strings.EqualFold(word, "from"),
		c.state == copyFromSeen && strings.EqualFold(word, "stdin"):
		c.state++
	case c.state == copyFirst:
		c.state = copyNot
	case c.state == copyFromSeen:
		c.state = copySeen
	}
}

func (c *copyFrom) stdin() bool { return c.state == copyStdin }
