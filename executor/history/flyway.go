package history

import (
	"path"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// flyway keeps a log; its row of rank -100 is a lock. Of undone, repaired
// ("DELETE") and repeated scripts the newest row counts. A baseline stands for
// all versions up to its own. Flyway before 5.0 called the table schema_version,
// and later ones still use that where it is there.
var flyway = tool{
	name:    "flyway",
	tables:  []string{"flyway_schema_history", "schema_version"},
	columns: []string{"installed_rank", "version", "description", "type", "script", "checksum", "success"},
	fields: func(d dialect) record {
		return record{
			version: d.text("version"), name: d.text("description"), script: d.text("script"),
			kind:  "CASE WHEN installed_rank < 0 THEN 'LOCK' ELSE " + d.text("type") + " END",
			state: when("success", stateDone, stateFailed), sum: d.text("checksum"),
		}
	},
	order: "installed_rank",
	fold:  foldFlyway,
	sums:  each(flywaySum),
	key: func(m executor.Migration) string {
		if m.Kind == executor.Repeatable {
			return scriptKey(m.Path)
		}
		return versionKey(m.Version)
	},
}

func scriptKey(script string) string { return "script " + path.Base(script) }

func foldFlyway(where string, rows []record) ([]Row, error) {
	return latest(rows, func(r record) (Row, error) {
		row := Row{Version: r.version, Name: r.name, Script: r.script, Sum: r.sum, key: versionKey(r.version)}
		if r.version == "" {
			row.key = scriptKey(r.script)
		}
		switch {
		case r.kind == "LOCK" || r.kind == "SCHEMA":
			return Row{}, nil
		case strings.HasPrefix(r.kind, "UNDO_") || r.kind == "DELETE":
			return row, errUndone
		case r.state == stateFailed:
			return row, failed(where, "flyway", r.script, "put right what it left behind, run flyway repair, then adopt again")
		case r.kind == "BASELINE":
			row.Sum, row.covers, row.mark, row.Note = "", true, true, "Flyway's baseline"
		case strings.HasSuffix(r.kind, "_BASELINE"):
			row.covers = true
		case r.kind != "SQL":
			row.Note = "Flyway ran it as " + r.kind + ", not as SQL"
		}
		return row, nil
	})
}
