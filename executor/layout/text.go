package layout

import (
	"regexp"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
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
	text := view(content)
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return fault.New(fault.Invalid, "the file is UTF-16, not UTF-8").Then("save it as UTF-8")
	}
	before, invalid := 0, -1
	for part := range spool.Parts(text) {
		if i := strings.IndexByte(part, 0); i >= 0 {
			line, column := script.Position(text, before+i)
			return fault.New(fault.Invalid, "the file holds a NUL byte at %d:%d", line, column).Then("save it as UTF-8 text")
		}
		if invalid < 0 && !utf8.ValidString(part) {
			invalid = before + firstInvalid(part)
		}
		before += len(part)
	}
	if invalid >= 0 {
		return fault.New(fault.Invalid, "line %d is not UTF-8", line(text, invalid)).Then("save the file as UTF-8")
	}
	return nil
}

// firstInvalid is the offset of the first byte that is not UTF-8.
func firstInvalid(text string) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(text)
}

// view is a file's content to look at. A copy of a large one would be in memory,
// and nobody writes to it; others' may be kept by who reads them.
func view(content []byte) string {
	return unsafe.String(unsafe.SliceData(content), len(content)) //nolint:gosec // see above
}

// lines calls each with every line of a text, its number and its offset, until it
// says stop. The line's end is not part of it.
func lines(sql string, each func(n, offset int, text string) (goOn bool)) {
	n, offset := 1, 0
	for part := range spool.Parts(sql) {
		for text := range strings.Lines(part) {
			if !each(n, offset, strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")) {
				return
			}
			n, offset = n+1, offset+len(text)
		}
	}
}

// findIn is where a pattern that stays within a line first matches; nil: nowhere.
func findIn(pattern *regexp.Regexp, text string) []int {
	before := 0
	for part := range spool.Parts(text) {
		if at := pattern.FindStringIndex(part); at != nil {
			return []int{before + at[0], before + at[1]}
		}
		before += len(part)
	}
	return nil
}

// findComment finds the first line that is a comment and matches a pattern: its
// number and what the pattern's groups match; nil: there is none. White space
// before the comment, and a byte order mark, are no part of the line.
func findComment(pattern *regexp.Regexp, text string) (line int, groups []string) {
	lines(text, func(n, _ int, text string) bool {
		if n == 1 {
			text = strings.TrimPrefix(text, byteOrderMark)
		}
		if text = strings.TrimLeft(text, " \t"); strings.HasPrefix(text, "--") {
			line, groups = n, pattern.FindStringSubmatch(text)
		}
		return groups == nil
	})
	return line, groups
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
func (l *loader) placed(path, sql string, start int) string {
	before, text := section(sql, start, len(sql))
	if text == "" {
		return ""
	}
	return l.join(path, strings.Repeat("\n", spool.Count(before, "\n")), text)
}

// join makes one text of pieces of a file.
func (l *loader) join(path string, pieces ...string) string {
	text, err := spool.Join(pieces...)
	if err != nil {
		l.refuse(fault.New(fault.Internal, "can't read the file").Because(err), path)
	}
	return text
}

// line is the 1-based line of an offset.
func line(sql string, offset int) int { return 1 + spool.Count(sql[:offset], "\n") }

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
		spool.Passed(s.Text) // with its beginning the system maps much of it
	}
	return kind
}
