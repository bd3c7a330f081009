package history

import (
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// golangMigrate keeps one row: the newest version. Everything at or below it is
// taken as applied, as golang-migrate does.
var golangMigrate = tool{
	name:    "golang-migrate",
	tables:  []string{"schema_migrations"},
	columns: []string{"version", "dirty"},
	fields: func(d dialect) record {
		return record{version: d.text("version"), state: when("dirty", stateFailed, stateDone)}
	},
	fold: foldGolangMigrate,
	key:  byVersion,
}

func foldGolangMigrate(where string, rows []record) ([]Row, error) {
	var all []Row
	for _, r := range rows {
		if r.state == stateFailed {
			return nil, fault.New(fault.Conflict, "golang-migrate left the database dirty at version %s: nobody knows what of it took effect", r.version).At(where).
				Then("look at the database, finish or take back that file by hand, tell golang-migrate with migrate force VERSION (%[1]s if all of it is there, else the one before), then adopt again", r.version)
		}
		if strings.HasPrefix(r.version, "-") { // its word for no version
			continue
		}
		all = append(all, Row{Version: r.version, key: versionKey(r.version), covers: true, Note: "golang-migrate's current version"})
	}
	return all, nil
}

// goose appends a row per event (older versions), or deletes rows of what was
// undone. Version 0 is made with the table.
var goose = tool{
	name:    "goose",
	tables:  []string{"goose_db_version"},
	columns: []string{"id", "version_id", "is_applied"},
	fields: func(d dialect) record {
		return record{version: d.text("version_id"), state: when("is_applied", stateDone, stateUndone)}
	},
	order: "id",
	fold: func(_ string, rows []record) ([]Row, error) {
		return latest(rows, func(r record) (Row, error) {
			switch {
			case r.version == "0":
				return Row{}, nil
			case r.state == stateUndone:
				return Row{key: versionKey(r.version)}, errUndone
			}
			return Row{Version: r.version, key: versionKey(r.version)}, nil
		})
	},
	key: byVersion,
}

// dbmate keeps a row per version. Its table has the name of golang-migrate's,
// Rails' and Ecto's.
var dbmate = tool{
	name:    "dbmate",
	tables:  []string{"schema_migrations"},
	columns: []string{"version"},
	lacks:   []string{"dirty", "inserted_at"},
	fields:  func(d dialect) record { return record{version: d.text("version")} },
	order:   "version",
	fold: func(_ string, rows []record) ([]Row, error) {
		return latest(rows, func(r record) (Row, error) {
			return Row{Version: r.version, key: versionKey(r.version)}, nil
		})
	},
	key: byVersion,
}

// sqlx keeps a row per version, with success false while it runs.
var sqlx = tool{
	name:    "sqlx",
	tables:  []string{"_sqlx_migrations"},
	columns: []string{"version", "description", "success", "checksum"},
	fields: func(d dialect) record {
		return record{version: d.text("version"), name: d.text("description"), state: when("success", stateDone, stateFailed), sum: d.hex("checksum")}
	},
	order: "version",
	fold: func(where string, rows []record) ([]Row, error) {
		return latest(rows, func(r record) (Row, error) {
			row := Row{Version: r.version, Name: r.name, Sum: r.sum, key: versionKey(r.version)}
			if r.state == stateFailed {
				return row, failed(where, "sqlx", "version "+r.version, "put right what it left behind and delete its row (or set success where all of it is there), then adopt again")
			}
			return row, nil
		})
	},
	sums: each(sqlxSum),
	key:  byVersion,
}

// rails has dbmate's table; identify tells it by the table beside it.
var rails = tool{
	name:    "rails",
	tables:  []string{"schema_migrations"},
	columns: []string{"version"},
	lacks:   []string{"dirty", "inserted_at"},
	refused: "Rails, whose migrations are Ruby programs",
}

var django = tool{
	name:    "django",
	tables:  []string{"django_migrations"},
	columns: []string{"app", "name", "applied"},
	refused: "Django, whose migrations are Python programs",
}
