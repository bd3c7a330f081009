package layout

import (
	"regexp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// golangMigrate reads 1_x.up.sql and 1_x.down.sql, either of which may be missing
// (golang-migrate, source/parse.go).
var golangMigrate = adapter{
	name:     GolangMigrate,
	signs:    golangMigrateSigns,
	identify: func(_ Options, path string) (fileName, bool) { return golangMigrateName(path) },
	read:     readGolangMigrate,
	empty:    true,
}

var golangMigrateStem = regexp.MustCompile(`^(\d+)_(.*)\.(down|up)$`)

func golangMigrateName(file string) (fileName, bool) {
	m := golangMigrateStem.FindStringSubmatch(stem(file))
	if m == nil || !IsSQL(file) {
		return fileName{}, false
	}
	return fileName{version: m[1], name: m[2], down: m[3] == "down"}, true
}

// golangMigrateSigns: the native layout pairs files like this too, so it takes all
// of them; sqlx's mark is stronger.
func golangMigrateSigns(files []executor.File) signs {
	s := signs{what: "are named like 1_x.up.sql or 1_x.down.sql"}
	for _, f := range files {
		if IsSQL(f.Path) {
			s.of++
			if _, ok := golangMigrateName(f.Path); ok {
				s.files++
			}
		}
	}
	if s.files < s.of || sqlxSigns(files).files > 0 || carries(files, gooseMarked) || carries(files, dbmateMarked) {
		s.files = 0
	}
	return s
}

// readGolangMigrate: a version with a down file only takes its place in the
// history and changes nothing on the way up.
func readGolangMigrate(l *loader, files []executor.File) {
	ups := map[string]bool{}
	for _, f := range files {
		if n, ok := golangMigrateName(f.Path); ok && !n.down {
			ups[executor.VersionKey(n.version)] = true
		}
	}
	var paired []executor.File
	for _, f := range files {
		n, ok := golangMigrateName(f.Path)
		switch {
		case ok && n.down && !ups[executor.VersionKey(n.version)]:
			l.downOnly(n, f)
		case !ok && IsSQL(f.Path):
			l.refuse(fault.New(fault.Invalid, "the file name is none of golang-migrate's").
				Then("name it like 1_add_users.up.sql, or move it out of the migrations folder"), f.Path)
		default:
			paired = append(paired, f)
		}
	}
	readNamed(l, paired)
}

func (l *loader) downOnly(n fileName, f executor.File) {
	if down, ok := l.text(f); ok {
		l.add(executor.Migration{Version: n.version, Name: n.name, Path: f.Path, Down: down}, lead{}, "")
	}
}
