package history

import (
	"path"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// prisma keeps a row per try; a migration is its folder's name.
var prisma = tool{
	name:    "prisma",
	tables:  []string{"_prisma_migrations"},
	columns: []string{"checksum", "finished_at", "migration_name", "rolled_back_at", "started_at"},
	fields: func(d dialect) record {
		return record{
			name: d.text("migration_name"), sum: d.text("checksum"),
			state: "CASE WHEN rolled_back_at IS NOT NULL THEN 'undone' WHEN finished_at IS NOT NULL THEN 'done' ELSE 'failed' END",
		}
	},
	order: "started_at",
	fold: func(where string, rows []record) ([]Row, error) {
		return latest(rows, func(r record) (Row, error) {
			version, name, _ := strings.Cut(r.name, "_")
			row := Row{Version: version, Name: name, Script: r.name, Sum: r.sum, key: "folder " + r.name}
			switch r.state {
			case stateUndone:
				return row, errUndone
			case stateFailed:
				return row, failed(where, "prisma", r.name, "put right what it left behind, run prisma migrate resolve --applied or --rolled-back "+r.name+", then adopt again")
			}
			return row, nil
		})
	},
	sums: each(prismaSum),
	key:  func(m executor.Migration) string { return "folder " + path.Base(path.Dir(m.Path)) },
}
