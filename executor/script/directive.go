package script

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/nearest"
	"github.com/shipsql/shipsql/internal/spool"
)

// Directive is one key of a "-- shipsql: key[=value] …" comment.
type Directive struct {
	Key       string // one of the keys of DESIGN §6
	Value     string // what follows the =; "" when there is none
	Reason    string // of an ignore
	Statement int    // index of the statement it holds for; WholeFile for all
	Line      int
	Column    int
}

// WholeFile is the Statement of a directive that holds for the file.
const WholeFile = -1

// Directives returns the directives of a file that f took apart, in order. Those
// before the first statement hold for the file, those inside a statement for
// that one, others for the next. Unknown keys, bad values and directives that
// hold for nothing are faults whose Where is "line:column"; the good directives
// are returned beside them.
func (f Form) Directives(sql string, statements []Statement) ([]Directive, []*fault.Error) {
	if !spool.Contains(sql, "shipsql:") {
		return nil, nil
	}
	r := reader{sql: sql, place: place{sql: sql, line: 1}, statements: len(statements)}
	_, comments := f.scan(sql)
	for _, c := range comments {
		if head := directiveHead.FindString(sql[c.start:c.end]); head != "" {
			r.comment(c.start+len(head), c.end, target(c.start, statements))
		}
	}
	return r.directives, r.faults
}

var directiveHead = regexp.MustCompile(`^--[ \t]*shipsql:`)

// target is the statement that a comment at the offset belongs to; it is
// len(statements) behind the last one.
func target(offset int, statements []Statement) int {
	next, _ := slices.BinarySearchFunc(statements, offset, func(s Statement, offset int) int { return s.End - offset })
	if next == 0 && (len(statements) == 0 || offset < statements[0].Start) {
		return WholeFile
	}
	return next
}

// reader reads the directives of one file.
type reader struct {
	sql        string
	place      place
	statements int
	directives []Directive
	faults     []*fault.Error
}

// word is key[=value] or key="value with spaces".
var word = regexp.MustCompile(`^[ \t]*([^\s="]+)(?:=("[^"]*"|[^\s"]*))?`)

// comment reads the directives in sql[start:end].
func (r *reader) comment(start, end, statement int) {
	for strings.TrimSpace(r.sql[start:end]) != "" {
		m := word.FindStringSubmatchIndex(r.sql[start:end])
		if m == nil {
			r.refuse(start, fault.New(fault.Invalid, "can't read the directive %q", strings.TrimSpace(r.sql[start:end])).
				Then("write -- shipsql: key=value …, with quotes around a value with spaces"))
			return
		}
		d := Directive{Key: r.sql[start+m[2] : start+m[3]], Statement: statement}
		if m[4] >= 0 {
			d.Value = strings.Trim(r.sql[start+m[4]:start+m[5]], `"`)
		}
		r.add(d, start+m[2])
		start += m[1]
	}
}

// add keeps a directive, or says why not.
func (r *reader) add(d Directive, offset int) {
	d.Line, d.Column = r.place.at(offset)
	if d.Key == "reason" {
		r.reason(d, offset)
		return
	}
	check, known := checks[d.Key]
	switch {
	case !known:
		r.refuse(offset, fault.New(fault.Invalid, "unknown directive %q", d.Key).Then("%s", meant(d.Key)))
	case !check.ok(d.Value):
		r.refuse(offset, fault.New(fault.Invalid, "%s=%s is no valid directive", d.Key, d.Value).Then("write %s", check.form))
	case check.fileOnly && d.Statement != WholeFile:
		r.refuse(offset, fault.New(fault.Invalid, "%s holds for the whole file", d.Key).Then("write it before the first statement"))
	case d.Statement == r.statements:
		r.refuse(offset, fault.New(fault.Invalid, "%s stands behind the last statement", d.Key).Then("write it before or inside the one it is for"))
	default:
		r.directives = append(r.directives, d)
	}
}

// reason belongs to the ignore right before it.
func (r *reader) reason(d Directive, offset int) {
	if n := len(r.directives); n > 0 && r.directives[n-1].Key == "ignore" && r.directives[n-1].Line == d.Line {
		r.directives[n-1].Reason = d.Value
		return
	}
	r.refuse(offset, fault.New(fault.Invalid, "reason stands alone").Then(`write it behind what it explains: ignore=RULE reason="…"`))
}

func (r *reader) refuse(offset int, e *fault.Error) {
	line, column := r.place.at(offset)
	r.faults = append(r.faults, e.At(fmt.Sprintf("%d:%d", line, column)))
}

// check is what a key's value must look like.
type check struct {
	form     string
	ok       func(value string) bool
	fileOnly bool
}

// checks are the keys of the contract.
var checks = map[string]check{
	"transaction":       {form: "transaction=off", ok: oneOf("off"), fileOnly: true},
	"kind":              {form: "kind=ddl or kind=dml", ok: oneOf("ddl", "dml"), fileOnly: true},
	"lock_timeout":      {form: "lock_timeout=500ms", ok: isDuration},
	"statement_timeout": {form: "statement_timeout=30s", ok: isDuration},
	"batch":             {form: "batch=1000", ok: isCount},
	"sleep":             {form: "sleep=100ms", ok: isDuration},
	"online":            {form: "online=assert or online=gh-ost", ok: oneOf("assert", "gh-ost")},
	"ignore":            {form: `ignore=RULE reason="…"`, ok: isText},
	"environments":      {form: "environments=test,prod", ok: isText, fileOnly: true},
	"databases":         {form: "databases=orders-eu", ok: isText, fileOnly: true},
}

func oneOf(words ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(words, value) }
}

func isText(value string) bool { return value != "" }

func isCount(value string) bool {
	n, err := strconv.Atoi(value)
	return err == nil && n > 0
}

func isDuration(value string) bool {
	d, err := time.ParseDuration(value)
	return err == nil && d >= time.Millisecond
}

// meant names the key that an unknown one was meant to be, or else all keys.
func meant(key string) string {
	keys := slices.Sorted(maps.Keys(checks))
	if near, ok := nearest.Word(key, keys); ok {
		return "did you mean " + near + "?"
	}
	return "the keys are " + strings.Join(keys, ", ")
}
