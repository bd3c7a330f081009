package history

import (
	"strconv"
	"strings"
)

// The bits of atlas' type column.
const (
	atlasBaseline = 1 << 0 // stands for everything up to its version
	atlasResolved = 1 << 2 // marked by a person (migrate set)
)

// atlas keeps a row per version, in a schema of its own or beside the tables.
// Rows whose version begins with a dot are notes of its own.
var atlas = tool{
	name:    "atlas",
	tables:  []string{"atlas_schema_revisions"},
	columns: []string{"version", "description", "type", "applied", "total", "error", "hash"},
	fields: func(d dialect) record {
		return record{
			version: d.text("version"), name: d.text("description"), kind: d.text("type"), sum: d.text("hash"),
			state: "CASE WHEN coalesce(error, '') <> '' THEN 'failed' WHEN applied < total THEN 'partial' ELSE 'done' END",
		}
	},
	order: "version",
	fold: func(where string, rows []record) ([]Row, error) {
		return latest(rows, func(r record) (Row, error) {
			if strings.HasPrefix(r.version, ".") {
				return Row{}, nil
			}
			kind, _ := strconv.Atoi(r.kind) // not a number: no bit is set
			row := Row{Version: r.version, Name: r.name, Sum: strings.TrimPrefix(r.sum, "h1:"), key: versionKey(r.version)}
			switch {
			case r.state == stateFailed || r.state != stateDone && kind&atlasResolved == 0:
				return row, failed(where, "atlas", "version "+r.version, "finish it with atlas migrate apply, or by hand and atlas migrate set, then adopt again")
			case kind&atlasBaseline != 0:
				row.covers, row.mark, row.Note = true, true, "Atlas' baseline"
			case kind&atlasResolved != 0:
				row.Note = "a person marked it as applied"
			}
			return row, nil
		})
	},
	sums: atlasSums,
	key:  byVersion,
}
