package layout

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// flyway reads V1.2__x.sql, R__x.sql, B1.2__x.sql and U1.2__x.sql. How names are
// read: ResourceNameParser; what is done with them: Flyway's documentation,
// "Migrations".
var flyway = adapter{
	name:     Flyway,
	signs:    flywaySigns,
	identify: func(_ Options, path string) (fileName, bool) { return flywayName(path) },
	read:     readFlyway,
	ordered:  true,
	empty:    true,
}

var (
	flywayVersioned  = regexp.MustCompile(`^([VUB])(\d+(?:[._]\d+)*)(?:__(.*))?$`)
	flywayRepeatable = regexp.MustCompile(`^R__(.+)$`)
	flywayProgram    = regexp.MustCompile(`^(?:[VUB]\d[\d._]*|R)__.*\.(?:java|class|kt|py|sh|bash|ps1|bat|cmd)$`)
)

func flywayName(file string) (fileName, bool) {
	if !IsSQL(file) {
		return fileName{}, false
	}
	if m := flywayRepeatable.FindStringSubmatch(stem(file)); m != nil {
		return fileName{version: "R__" + m[1], name: m[1], kind: executor.Repeatable}, true
	}
	m := flywayVersioned.FindStringSubmatch(stem(file))
	if m == nil {
		return fileName{}, false
	}
	n := fileName{version: strings.ReplaceAll(m[2], "_", "."), name: m[3], down: m[1] == "U"}
	if m[1] == "B" {
		n.kind = executor.Baseline
	}
	return n, true
}

// flywaySigns: V alone says little, because the native layout has such names too.
func flywaySigns(files []executor.File) signs {
	s := signs{what: "are named like V1__x.sql or R__x.sql"}
	special := 0
	for _, f := range files {
		_, named := flywayName(f.Path)
		foreign := flywayProgram.MatchString(path.Base(f.Path)) || callbackOf(f.Path) != ""
		if foreign || named && stem(f.Path)[0] != 'V' {
			special++
		}
		if foreign || IsSQL(f.Path) {
			s.of++
		}
		if foreign || named {
			s.files++
		}
	}
	if s.files < s.of && special == 0 {
		s.files = 0
	}
	return s
}

func readFlyway(l *loader, files []executor.File) {
	settings := l.flywaySettings(files)
	var scripts []executor.File
	for _, f := range files {
		event := callbackOf(f.Path)
		switch {
		case flywayProgram.MatchString(path.Base(f.Path)):
			l.refuse(fault.New(fault.Unsupported, "a migration that is a program can't be run").
				Then("write the change in SQL; where it ran already, keep it out of the folder and adopt Flyway's history"), f.Path)
		case !IsSQL(f.Path) || slices.Contains(idleEvents, event):
		case event != "":
			l.refuse(fault.New(fault.Unsupported, "it is a callback of Flyway for %s, which is not run", event).
				Then("put its statements into the migrations that need them, and remove it"), f.Path)
		case l.hasPlaceholder(f, settings[f.Path]):
		default:
			scripts = append(scripts, f)
		}
	}
	readNamed(l, scripts)
	for i, m := range l.migrations {
		l.migrations[i].NoTransaction = settings[m.Path].noTransaction
	}
	slices.SortStableFunc(l.migrations, flywayOrder)
}

// flywayOrder: by version, then what is repeatable, by description.
func flywayOrder(a, b executor.Migration) int {
	if a.Kind == executor.Repeatable && b.Kind == executor.Repeatable {
		return strings.Compare(described(a.Name), described(b.Name))
	}
	return byVersion(a, b)
}

func described(name string) string { return strings.ReplaceAll(name, "_", " ") }

// The events for which Flyway runs a script that is named after them (its enum
// Event); those of idleEvents have nothing to do with applying migrations.
var (
	idleEvents = []string{
		"beforeClean", "afterClean", "afterCleanError", "beforeInfo", "afterInfo", "afterInfoError", "beforeRepair", "afterRepair",
		"afterRepairError", "beforeBaseline", "afterBaseline", "afterBaselineError", "beforeUndo", "beforeEachUndo",
		"beforeEachUndoStatement", "afterEachUndoStatement", "afterEachUndoStatementError", "afterEachUndo", "afterEachUndoError",
		"afterUndo", "afterUndoError", "afterUndoOperationFinish",
	}
	events = append([]string{
		"beforeMigrate", "beforeRepeatables", "beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrateStatement",
		"afterEachMigrateStatementError", "afterEachMigrate", "afterEachMigrateError", "afterVersioned", "afterMigrate",
		"afterMigrateApplied", "afterMigrateError", "afterMigrateOperationFinish", "beforeValidate", "afterValidate",
		"afterValidateError", "createSchema", "beforeCreateSchema", "beforeConnect", "afterConnect",
	}, idleEvents...)
)

// callbackOf is the event of a callback's script, "" for other files.
func callbackOf(file string) string {
	name, _, _ := strings.Cut(stem(file), "__")
	if IsSQL(file) && slices.Contains(events, name) {
		return name
	}
	return ""
}

// flywaySetting is what a script's own .conf says.
type flywaySetting struct{ noTransaction, verbatim bool }

// flywaySettings reads the .conf files, by the script's path.
func (l *loader) flywaySettings(files []executor.File) map[string]flywaySetting {
	settings := map[string]flywaySetting{}
	for _, f := range files {
		script, isConf := strings.CutSuffix(f.Path, ".conf")
		if !isConf || !IsSQL(script) || f.Unread {
			continue
		}
		if !slices.ContainsFunc(files, func(other executor.File) bool { return other.Path == script }) {
			l.refuse(fault.New(fault.Invalid, "there is no script that it is for").Then("add %s, or delete the file", path.Base(script)), f.Path)
			continue
		}
		settings[script] = l.flywaySetting(f)
	}
	return settings
}

func (l *loader) flywaySetting(f executor.File) (s flywaySetting) {
	lines(string(f.Content), func(n, _ int, text string) bool {
		text = strings.TrimSpace(text)
		if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "!") {
			return true
		}
		key, value, _ := strings.Cut(text, "=")
		switch key, value = strings.TrimSpace(key), strings.TrimSpace(value); {
		case key == "executeInTransaction" && isBool(value):
			s.noTransaction = strings.EqualFold(value, "false")
		case key == "placeholderReplacement" && isBool(value):
			s.verbatim = strings.EqualFold(value, "false")
		case key == "encoding" && strings.EqualFold(value, "UTF-8"), key == "shouldExecute" && strings.EqualFold(value, "true"):
		default:
			l.refuseLine(fault.New(fault.Unsupported, "the setting %s is not supported", cmp.Or(key, text)).
				Then("executeInTransaction and placeholderReplacement are"), f.Path, n)
		}
		return true
	})
	return s
}

func isBool(value string) bool {
	return strings.EqualFold(value, "true") || strings.EqualFold(value, "false")
}

var placeholder = regexp.MustCompile(`\$\{[^}\n]*\}`)

// hasPlaceholder refuses what Flyway would replace before it runs the script.
func (l *loader) hasPlaceholder(f executor.File, s flywaySetting) bool {
	if s.verbatim {
		return false
	}
	sql := view(f.Content)
	at := findIn(placeholder, sql)
	if at == nil {
		return false
	}
	l.refuseLine(fault.New(fault.Unsupported, "the placeholder %s has no value here", sql[at[0]:at[1]]).
		Then("write its value, or set placeholderReplacement=false in %s", fmt.Sprintf("%s.conf", path.Base(f.Path))), f.Path, line(sql, at[0]))
	return true
}
