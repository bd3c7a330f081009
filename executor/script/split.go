package script

import (
	"strings"
	"unicode/utf8"

	"github.com/shipsql/shipsql/internal/spool"
)

// Kind says what a piece of a file is.
type Kind int

// The kinds of pieces.
const (
	SQL    Kind = iota // a statement for the server
	CopyIn             // a COPY … FROM STDIN statement, with data behind it
	Psql               // a line for psql that begins with a backslash, e.g. \connect
	Client             // a command of MySQL's client, e.g. source; never sent to a server
)

// Statement is one piece of a file, without the comments around it and without
// its delimiter; comments inside are kept.
type Statement struct {
	Kind       Kind
	Start, End int    // bytes in the file: the first one, and the one behind the last
	Text       string // the file's bytes from Start to End
	Line       int    // of the first byte
	Column     int    // of the first byte
	EndLine    int    // of the last byte
}

// MaxStatements bounds what Split makes of a file; the last statement takes in
// what comes beyond it.
const MaxStatements = 250_000

// scan returns the statements of a file, and the comments that may be directives.
func (f Form) scan(sql string) ([]Statement, []span) {
	c := collector{file: sql, place: place{sql: sql, line: 1}, start: -1, blocks: f.Blocks}
	// A guess that real files need no more of, and that no file makes huge.
	c.statements = make([]Statement, 0, min(spool.Count(sql, ";")+1, len(sql)/32+1, MaxStatements))
	if f.Dialect == MySQL {
		scanMySQL(&c, f.Delimiter)
	} else {
		scanPostgres(&c, f.Delimiter)
	}
	c.ended = true
	c.finish(SQL)
	return c.statements, c.comments
}

// span is a piece of the text.
type span struct{ start, end int }

// collector gathers statements from the tokens that a dialect's scanner finds.
type collector struct {
	file       string
	place      place
	statements []Statement
	comments   []span
	start, end int // of the current statement; start is -1 outside of one
	passed     int // bytes of the file that were said to have been read
	ended      bool
	blocks     bool // goose's annotations bind
	inBlock    bool // between StatementBegin and StatementEnd
}

// take makes a piece part of the current statement.
func (c *collector) take(start, end int) {
	if c.start < 0 {
		c.start = start
	}
	c.end = end
	if c.end-c.passed >= said {
		spool.Passed(c.file[c.passed:c.end])
		c.passed = c.end
	}
}

// said is how many bytes are read before that is said.
const said = 1 << 16

// finish ends the current statement, if there is one, and says whether it did.
func (c *collector) finish(kind Kind) bool {
	if c.start < 0 || len(c.statements) == MaxStatements-1 && !c.ended {
		return false
	}
	if c.file[c.start] == ';' && strings.Trim(c.file[c.start:c.end], "; \t\r\n") == "" {
		c.start = -1 // semicolons alone, where another delimiter ends statements
		return true
	}
	line, column := c.place.at(c.start)
	endLine := line + strings.Count(c.file[c.start:c.end-1], "\n")
	c.statements = append(c.statements, Statement{
		Kind: kind, Start: c.start, End: c.end, Text: c.file[c.start:c.end],
		Line: line, Column: column, EndLine: endLine,
	})
	c.start = -1
	return true
}

// comment notes a comment that may be a directive, and acts on goose's
// annotations: it says whether the statement before it has ended.
func (c *collector) comment(start, end int) (ends bool) {
	text := c.file[start:end]
	if strings.Contains(text, "shipsql:") {
		c.comments = append(c.comments, span{start, end})
	}
	if !c.blocks {
		return false
	}
	switch annotation(text) {
	case "StatementBegin":
		ends = c.finish(SQL)
		c.inBlock = true
	case "StatementEnd":
		ends = c.finish(SQL)
		c.inBlock = false
	}
	return ends
}

// annotation is the word behind "-- +goose", "" where that is not what a comment
// says.
func annotation(comment string) string {
	rest, found := strings.CutPrefix(strings.TrimLeft(strings.TrimPrefix(comment, "--"), " \t"), "+goose")
	if !found {
		return ""
	}
	return strings.TrimSpace(rest)
}

// delimiter finds the end of a statement that a Form names.
type delimiter string

// at says whether the delimiter stands at the offset. One that is a word, such
// as GO, is found as a word only.
func (d delimiter) at(sql string, offset int) bool {
	if d == "" || !strings.HasPrefix(sql[offset:], string(d)) {
		return false
	}
	end := offset + len(d)
	return !alnum(d[0]) && !alnum(d[len(d)-1]) ||
		(offset == 0 || !alnum(sql[offset-1])) && (end == len(sql) || !alnum(sql[end]))
}

func alnum(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// place turns ascending offsets into lines and columns.
type place struct {
	sql    string
	line   int
	column int // code points of the line before seen
	seen   int // offsets below are counted
}

// at counts what was not counted yet, so that a file of one very long line costs
// no more than another.
func (p *place) at(offset int) (line, column int) {
	fresh := p.sql[p.seen:offset]
	if i := strings.LastIndexByte(fresh, '\n'); i >= 0 {
		p.line += strings.Count(fresh, "\n")
		p.column = 0
		fresh = fresh[i+1:]
	}
	p.column += utf8.RuneCountInString(fresh)
	p.seen = offset
	return p.line, 1 + p.column
}

// Position returns the line and column of a byte offset in the file; an offset
// outside of it counts as its start or end.
func Position(sql string, offset int) (line, column int) {
	offset = min(max(offset, 0), len(sql))
	p := place{sql: sql, line: 1}
	seen := 0
	for part := range spool.Parts(sql[:offset]) {
		seen += len(part)
		p.at(seen)
	}
	return p.at(offset)
}
