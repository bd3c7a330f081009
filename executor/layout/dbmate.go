package layout

import (
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// dbmate reads 1_x.sql with the parts "-- migrate:up" and "-- migrate:down"
// (dbmate, pkg/dbmate/migration.go). Its dump schema.sql is no migration.
var dbmate = adapter{
	name:     Dbmate,
	signs:    func(files []executor.File) signs { return marked(files, dbmateMarked, "carry -- migrate:up") },
	identify: func(_ Options, path string) (fileName, bool) { return dbmateName(path) },
	read:     readDbmate,
	empty:    true,
}

var (
	// What is nearly the mark is a sign, too; see goose's.
	dbmateMark = regexp.MustCompile(`(?i)^--\s*migrate:(up|down)\b`)
	dbmateStem = regexp.MustCompile(`^(\d+)[_.-]?(.*)$`)
	dbmatePart = regexp.MustCompile(`^--[ \t]*migrate:(up|down)(?:[ \t]+(.*?))?[ \t]*$`)
)

func dbmateMarked(sql string) bool {
	_, mark := findComment(dbmateMark, sql)
	return mark != nil
}

func dbmateName(file string) (fileName, bool) {
	m := dbmateStem.FindStringSubmatch(stem(file))
	if m == nil || !IsSQL(file) {
		return fileName{}, false
	}
	return fileName{version: m[1], name: m[2]}, true
}

func readDbmate(l *loader, files []executor.File) {
	for _, f := range files {
		n, ok := dbmateName(f.Path)
		switch {
		case !IsSQL(f.Path) || path.Base(f.Path) == "schema.sql":
		case !ok:
			l.refuse(fault.New(fault.Invalid, "the file name has no version").
				Then("name it like 20260102030405_add_users.sql, or move it out of the migrations folder"), f.Path)
		default:
			if sql, ok := l.text(f); ok {
				l.dbmate(n, f.Path, sql)
			}
		}
	}
}

func (l *loader) dbmate(n fileName, path, sql string) {
	d := dbmateFile{up: -1, down: -1}
	if !dbmateMarked(sql) {
		d.fail(1, "the file has no line -- migrate:up", "write it above the statements")
	}
	lines(sql, func(n, offset int, text string) bool {
		if d.err == nil {
			d.line(n, offset, text)
		}
		return d.err == nil
	})
	switch {
	case d.err != nil:
	case d.up < 0: // what looks like it is none
		d.fail(1, "the file has no line -- migrate:up", "write it above the statements")
	case d.down < 0:
		d.fail(line(sql, len(sql)), "the file has no line -- migrate:down", "write it behind the statements, with what undoes them or nothing")
	}
	if d.err != nil {
		l.refuse(d.err, path)
		return
	}
	before, up := section(sql, d.up, d.down)
	m := executor.Migration{Version: n.version, Name: n.name, Path: path, NoTransaction: d.noTransaction}
	m.Down = l.placed(path, sql, d.downBody)
	l.add(m, leading(before), up)
}

// dbmateFile is what the marks of a file say.
type dbmateFile struct {
	up            int // offset behind the line of migrate:up, -1 without
	down          int // offset of the line of migrate:down, -1 without
	downBody      int // offset behind that line
	noTransaction bool
	err           *fault.Error
}

func (d *dbmateFile) line(n, offset int, text string) {
	m := dbmatePart.FindStringSubmatch(text)
	next := offset + len(text) + 1
	switch {
	case m == nil && d.up < 0 && !isComment(text):
		d.fail(n, "the statement stands above -- migrate:up", "move it below")
	case m == nil:
	case m[1] == "up" && d.up < 0:
		d.up = next
		d.options(n, m[2], &d.noTransaction)
	case m[1] == "down" && d.up >= 0 && d.down < 0:
		d.down, d.downBody = offset, next
		var ofDown bool
		d.options(n, m[2], &ofDown)
	default:
		d.fail(n, "the line "+strings.TrimSpace(text)+" has no place here", "each part begins once, up before down")
	}
}

func (d *dbmateFile) options(n int, text string, noTransaction *bool) {
	for option := range strings.FieldsSeq(text) {
		switch option {
		case "transaction:false":
			*noTransaction = true
		case "transaction:true":
		default:
			d.fail(n, "unknown option "+option, "the one option is transaction:false")
		}
	}
}

func (d *dbmateFile) fail(line int, message, next string) {
	d.err = fault.New(fault.Invalid, "%s", message).Then("%s", next).At(strconv.Itoa(line))
}
