package layout

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// MaxFileSize is the size in bytes at which a migration file in memory is
// refused. A change of that size is data: the command line takes it from a spool.
const MaxFileSize = 16 << 20

const byteOrderMark = "\ufeff"

// CheckText refuses what no migration may hold, whatever its name and layout; nil
// if there is nothing to refuse.
func CheckText(content []byte) *fault.Error {
	if len(content) >= MaxFileSize {
		return fault.New(fault.Invalid, "the file has %d bytes, and the limit is %d MiB", len(content), MaxFileSize>>20).
			Then("split it, or load the data with shipsql migrate up")
	}
	return checkEncoding(content)
}

func checkEncoding(content []byte) *fault.Error {
	switch {
	case bytes.HasPrefix(content, []byte("\xff\xfe")) || bytes.HasPrefix(content, []byte("\xfe\xff")):
		return fault.New(fault.Invalid, "the file is UTF-16, not UTF-8").Then("save it as UTF-8")
	case bytes.IndexByte(content, 0) >= 0:
		line, column := script.Position(string(content), bytes.IndexByte(content, 0))
		return fault.New(fault.Invalid, "the file holds a NUL byte at %d:%d", line, column).Then("save it as UTF-8 text")
	case !utf8.Valid(content):
		line := 1 + bytes.Count(content[:firstInvalid(content)], []byte("\n"))
		return fault.New(fault.Invalid, "line %d is not UTF-8", line).Then("save the file as UTF-8")
	}
	return nil
}

// firstInvalid is the offset of the first byte that is not UTF-8.
func firstInvalid(content []byte) int {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(content)
}

// lines calls each with every line of a text, its number and its offset, until it
// says stop. The line's end is not part of it.
func lines(sql string, each func(n, offset int, text string) (goOn bool)) {
	for n, offset := 1, 0; offset < len(sql); n++ {
		text, _, _ := strings.Cut(sql[offset:], "\n")
		if !each(n, offset, strings.TrimSuffix(text, "\r")) {
			return
		}
		offset += len(text) + 1
	}
}

// isComment says that a line holds no SQL.
func isComment(text string) bool {
	text = strings.TrimSpace(text)
	return text == "" || strings.HasPrefix(text, "--")
}

// section cuts sql[start:end] out of a file: the text without empty lines around
// it, and what precedes that in the file.
func section(sql string, start, end int) (before, text string) {
	text = sql[min(start, end):end]
	for {
		line, rest, more := strings.Cut(text, "\n")
		if !more || strings.TrimSpace(line) != "" {
			break
		}
		text = rest
	}
	return sql[:end-len(text)], strings.TrimRight(text, " \t\r\n")
}

// placed cuts what undoes a migration out of its file and keeps its place.
func placed(sql string, start int) string {
	before, text := section(sql, start, len(sql))
	if text == "" {
		return ""
	}
	return strings.Repeat("\n", strings.Count(before, "\n")) + text
}

// line is the 1-based line of an offset.
func line(sql string, offset int) int { return 1 + strings.Count(sql[:offset], "\n") }

func directedChange(directives []script.Directive) executor.ChangeKind {
	for _, d := range directives {
		if d.Key == "kind" {
			return executor.ChangeKind(d.Value)
		}
	}
	return ""
}

var (
	dmlStart     = regexp.MustCompile(`(?i)^(insert|update|delete|replace|merge|select|with)\b`)
	neutralStart = regexp.MustCompile(`(?i)^(set|reset|begin|start|commit|end)\b`)
)

// statedChange is DML when all that is not neutral begins like a change of rows.
func statedChange(statements []script.Statement) executor.ChangeKind {
	kind := executor.DDL
	for _, s := range statements {
		switch {
		case dmlStart.MatchString(s.Text):
			kind = executor.DML
		case !neutralStart.MatchString(s.Text):
			return executor.DDL
		}
	}
	return kind
}
