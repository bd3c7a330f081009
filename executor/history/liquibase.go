package history

import (
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// liquibase keeps a row per changeset, whose identity is id, author and file.
// How its checksum is made differs from version to version, so the identity
// alone is trusted.
var liquibase = tool{
	name:    "liquibase-sql",
	tables:  []string{"databasechangelog"},
	columns: []string{"id", "author", "filename", "orderexecuted", "exectype", "md5sum"},
	lock:    "databasechangeloglock",
	fields: func(d dialect) record {
		return record{name: d.text("id"), kind: d.text("author"), script: d.text("filename"), state: d.text("exectype")}
	},
	order: "orderexecuted",
	fold: func(where string, rows []record) ([]Row, error) {
		return latest(rows, func(r record) (Row, error) {
			row := Row{Version: r.script + "::" + r.name + "::" + r.kind, Script: r.script, key: r.name + "::" + r.kind}
			row.id = row.Version // one id and author may stand in several files
			switch r.state {
			case "FAILED":
				return row, failed(where, "liquibase", "changeset "+row.Version, "put right what it left behind, run liquibase update, then adopt again")
			case "SKIPPED":
				return row, errUndone
			case "MARK_RAN":
				row.Note = "Liquibase marked it as ran without running it"
			}
			return row, nil
		})
	},
	key: func(m executor.Migration) string {
		_, id, author := changeset(m.Version)
		return id + "::" + author
	},
	same: func(r Row, m executor.Migration) bool {
		recorded, _, _ := changeset(r.Version)
		file, _, _ := changeset(m.Version)
		return samePath(recorded, file)
	},
}

// changeset takes "path::id::author" apart; only the id may hold colons.
func changeset(version string) (path, id, author string) {
	path, rest, _ := strings.Cut(version, "::")
	if i := strings.LastIndex(rest, "::"); i >= 0 {
		return path, rest[:i], rest[i+2:]
	}
	return path, rest, ""
}

// samePath compares a path as Liquibase wrote it with the repository's: they
// begin at different folders, and classpath: may stand before it.
func samePath(a, b string) bool {
	a, b = strings.TrimPrefix(a, "classpath:"), strings.TrimPrefix(b, "classpath:")
	a, b = "/"+strings.TrimLeft(a, "./"), "/"+strings.TrimLeft(b, "./")
	return strings.HasSuffix(a, b) || strings.HasSuffix(b, a)
}
