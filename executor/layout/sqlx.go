package layout

import (
	"regexp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// sqlx reads 1_x.sql, and 1_x.up.sql with 1_x.down.sql (sqlx-core, migrate/source.rs).
var sqlx = adapter{
	name:     SQLx,
	signs:    sqlxSigns,
	identify: func(_ Options, path string) (fileName, bool) { return sqlxName(path) },
	read:     readSQLx,
	empty:    true,
}

// sqlxMark is the first thing in a file that runs outside of a transaction.
var sqlxMark = regexp.MustCompile(`\A-- no-transaction`)

func sqlxName(file string) (fileName, bool) {
	base, down := cutDirection(stem(file))
	m := digitsStem.FindStringSubmatch(base)
	if m == nil || !IsSQL(file) {
		return fileName{}, false
	}
	return fileName{version: m[1], name: m[2], down: down}, true
}

// sqlxSigns: only the mark tells sqlx's files from the native layout's and
// golang-migrate's, which mean the same.
func sqlxSigns(files []executor.File) signs {
	s := signs{what: "begin with -- no-transaction", sure: true}
	for _, f := range files {
		if !sqlxMark.Match(f.Content) {
			continue
		}
		if _, ok := sqlxName(f.Path); ok {
			s.files++
		}
	}
	return s
}

func readSQLx(l *loader, files []executor.File) {
	var named []executor.File
	unwrapped := map[string]bool{}
	for _, f := range files {
		if _, ok := sqlxName(f.Path); !ok && IsSQL(f.Path) {
			l.refuse(fault.New(fault.Invalid, "the file name is none of sqlx's").
				Then("name it like 20260102030405_add_users.sql, or move it out of the migrations folder"), f.Path)
			continue
		}
		unwrapped[f.Path] = sqlxMark.Match(f.Content)
		named = append(named, f)
	}
	readNamed(l, named)
	for i, m := range l.migrations {
		l.migrations[i].NoTransaction = unwrapped[m.Path]
	}
}
