package layout

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// goose reads 1_x.sql with the parts "-- +goose Up" and "-- +goose Down" (goose,
// internal/sqlparser).
var goose = adapter{
	name:     Goose,
	signs:    func(files []executor.File) signs { return marked(files, gooseMarked, "carry -- +goose Up") },
	identify: func(_ Options, path string) (fileName, bool) { return underscoredName(path) },
	read:     readGoose,
	empty:    true,
}

var (
	// What is nearly the annotation is a sign, too: as another layout's, the file's
	// Down part would run.
	gooseMark   = regexp.MustCompile(`(?i)^--\s*\+goose\s+(up|down)\b`)
	annotation  = regexp.MustCompile(`(?i)^(\s*)--\s*\+goose\b\s*(.*?)\s*$`)
	digitsStem  = regexp.MustCompile(`^(\d+)_(.*)$`)
	gooseAsCode = regexp.MustCompile(`(?:^|/)\d+_[^/]*\.go$`)
)

func gooseMarked(sql string) bool {
	_, mark := findComment(gooseMark, sql)
	return mark != nil
}

// underscoredName reads 1_x.sql.
func underscoredName(file string) (fileName, bool) {
	m := digitsStem.FindStringSubmatch(stem(file))
	if m == nil || !IsSQL(file) {
		return fileName{}, false
	}
	return fileName{version: m[1], name: m[2]}, true
}

func isGooseCode(file string) bool {
	return strings.HasSuffix(file, ".go") && gooseAsCode.MatchString(file) && !strings.HasSuffix(file, "_test.go")
}

func readGoose(l *loader, files []executor.File) {
	for _, f := range files {
		if isGooseCode(f.Path) {
			l.refuse(fault.New(fault.Unsupported, "a migration that is a program can't be run").
				Then("write the change in SQL; where it ran already, keep it out of the folder and adopt goose's history"), f.Path)
		}
		if !IsSQL(f.Path) {
			continue
		}
		n, ok := underscoredName(f.Path)
		if !ok || executor.VersionKey(n.version) == "" {
			l.refuse(fault.New(fault.Invalid, "the file name has no version above 0").
				Then("name it like 00001_add_users.sql, or move it out of the migrations folder"), f.Path)
			continue
		}
		if sql, ok := l.text(f); ok {
			l.goose(n, f.Path, sql)
		}
	}
}

func (l *loader) goose(n fileName, path, sql string) {
	g := gooseFile{up: -1, down: len(sql)}
	if !gooseMarked(sql) {
		g.fail(1, "the file has no line -- +goose Up", "write it above the statements")
	}
	lines(sql, func(n, offset int, text string) bool {
		if g.err == nil {
			g.line(n, offset, text)
		}
		return g.err == nil
	})
	if g.err == nil && g.up < 0 { // it hides in what is no annotation
		g.fail(1, "the file has no line -- +goose Up", "write it above the statements")
	}
	if g.err == nil && g.block > 0 {
		g.fail(g.block, "the block has no line -- +goose StatementEnd", "write it behind the block's statement")
	}
	if g.err != nil {
		l.refuse(g.err, path)
		return
	}
	before, up := section(sql, g.up, g.down)
	m := executor.Migration{
		Version: n.version, Name: n.name, Path: path, NoTransaction: g.noTransaction, Form: script.Form{Blocks: true},
	}
	if g.downBody > 0 {
		m.Down = l.placed(path, sql, g.downBody)
	}
	l.add(m, leading(before), up)
}

// gooseFile is what the annotations of a file say.
type gooseFile struct {
	up            int // offset behind the line of Up, -1 without
	down          int // offset of the line of Down, or the file's end
	downBody      int // offset behind that line, 0 without
	block         int // line of a StatementBegin that waits for its end
	noTransaction bool
	err           *fault.Error
}

func (g *gooseFile) line(n, offset int, text string) {
	var m []string
	if strings.HasPrefix(strings.TrimSpace(text), "--") { // most lines of large files don't
		m = annotation.FindStringSubmatch(text)
	}
	switch {
	case m == nil && g.up < 0 && !isComment(text):
		g.fail(n, "the statement stands above -- +goose Up", "move it below")
	case m == nil:
	case m[1] != "":
		g.fail(n, "the annotation is indented, and versions of goose differ in what that means", "begin the line with it")
	default:
		g.annotation(n, offset, text, strings.ToUpper(strings.Join(strings.Fields(m[2]), " ")))
	}
}

func (g *gooseFile) annotation(n, offset int, text, command string) {
	next := offset + len(text) + 1
	switch {
	case command == "UP" && g.up < 0:
		g.up = next
	case command == "DOWN" && g.up >= 0 && g.downBody == 0 && g.block == 0:
		g.down, g.downBody = offset, next
	case command == "STATEMENTBEGIN" && g.up >= 0 && g.block == 0:
		g.block = n
	case command == "STATEMENTEND" && g.block > 0:
		g.block = 0
	case command == "NO TRANSACTION":
		g.noTransaction = true
	case command == "ENVSUB OFF" || command == "ENVSUBST OFF":
	case command == "ENVSUB ON" || command == "ENVSUBST ON":
		g.fail(n, "values out of the environment are not supported: the same file would not be the same change everywhere", "write the values")
	case command == "UP" || command == "DOWN" || command == "STATEMENTBEGIN" || command == "STATEMENTEND":
		g.fail(n, "the annotation "+strings.TrimSpace(text)+" has no place here", "each part begins once, Up before Down, and blocks don't nest")
	default:
		g.fail(n, "unknown annotation "+strings.TrimSpace(text), "take it out")
	}
}

func (g *gooseFile) fail(line int, message, next string) {
	g.err = fault.New(fault.Invalid, "%s", message).Then("%s", next).At(strconv.Itoa(line))
}
