package layout

import (
	"cmp"
	"path"
	"regexp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// prisma reads 20260102030405_x/migration.sql, with down.sql beside it where
// people keep one, and migration_lock.toml (Prisma's documentation, "Migration
// histories").
var prisma = adapter{
	name:     Prisma,
	signs:    prismaSigns,
	identify: func(_ Options, path string) (fileName, bool) { return prismaName(path) },
	read:     readPrisma,
	empty:    true, // "This is an empty migration." is what Prisma writes itself
}

const prismaLock = "migration_lock.toml"

var (
	prismaFolder   = regexp.MustCompile(`^(\d+)(?:_(.*))?$`)
	prismaProvider = regexp.MustCompile(`^\s*provider\s*=\s*"([^"]*)"`)
)

func prismaName(file string) (fileName, bool) {
	base := path.Base(file)
	m := prismaFolder.FindStringSubmatch(path.Base(path.Dir(file)))
	if m == nil || base != "migration.sql" && base != "down.sql" {
		return fileName{}, false
	}
	return fileName{version: m[1], name: m[2], down: base == "down.sql"}, true
}

func prismaSigns(files []executor.File) signs {
	s := signs{what: "are named like 20260102030405_x/migration.sql"}
	for _, f := range files {
		if path.Base(f.Path) == prismaLock {
			return signs{files: 1, what: "there is a " + prismaLock, sure: true}
		}
		if IsSQL(f.Path) {
			s.of++
			if _, ok := prismaName(f.Path); ok {
				s.files++
			}
		}
	}
	return s
}

func readPrisma(l *loader, files []executor.File) {
	var named []executor.File
	for _, f := range files {
		_, ok := prismaName(f.Path)
		switch {
		case path.Base(f.Path) == prismaLock && !f.Unread:
			l.prismaLock(f)
		case !ok && IsSQL(f.Path):
			l.refuse(fault.New(fault.Invalid, "the file is none of Prisma's").
				Then("name it like 20260102030405_add_users/migration.sql, or move it out of the migrations folder"), f.Path)
		default:
			named = append(named, f)
		}
	}
	readNamed(l, named)
}

// prismaLock refuses a folder that was written for another database product.
func (l *loader) prismaLock(f executor.File) {
	wants := map[script.Dialect]string{script.Postgres: "postgresql", script.MySQL: "mysql"}[cmp.Or(l.options.Dialect, script.Postgres)]
	lines(string(f.Content), func(n, _ int, text string) bool {
		m := prismaProvider.FindStringSubmatch(text)
		if m != nil && m[1] != wants {
			l.refuseLine(fault.New(fault.Invalid, "the migrations are written for %s, and the database is %s", m[1], wants).
				Then("use the folder that was made for it"), f.Path, n)
		}
		return m == nil
	})
}
