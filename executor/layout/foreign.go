package layout

import (
	"path"
	"regexp"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// program is a framework whose migrations are programs.
type program struct {
	file   *regexp.Regexp
	what   string
	advice string
}

var programs = []program{{
	file:   regexp.MustCompile(`(?:^|/)\d{14}_\w+\.rb$`),
	what:   "a migration of Rails is a Ruby program",
	advice: "keep Rails' migrations for Rails, and give ShipSQL a folder of SQL, e.g. what rails db:migrate logs; config.active_record.schema_format = :sql gives the schema as SQL",
}, {
	file:   regexp.MustCompile(`(?:^|/)migrations/\d{4}_\w+\.py$`),
	what:   "a migration of Django is a Python program",
	advice: "write what manage.py sqlmigrate APP NAME prints into a folder of SQL, one file per migration",
}}

// foreign refuses files that belong to a framework's migrations. No layout has
// such files.
func (l *loader) foreign(files []executor.File) {
	for _, f := range files {
		if IsSQL(f.Path) {
			continue
		}
		if i := slices.IndexFunc(programs, func(p program) bool { return p.file.MatchString(f.Path) }); i >= 0 {
			l.refuse(fault.New(fault.Unsupported, "%s, which can't be run", programs[i].what).Then("%s", programs[i].advice), f.Path)
		}
	}
}

// isForeign says that a file is a program that some tool runs as a migration.
func isForeign(file string) bool {
	return isGooseCode(file) || flywayProgram.MatchString(path.Base(file)) ||
		slices.ContainsFunc(programs, func(p program) bool { return p.file.MatchString(file) })
}
