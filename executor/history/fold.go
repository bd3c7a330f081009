package history

import (
	"cmp"
	"errors"

	"github.com/shipsql/shipsql/internal/fault"
)

// errUndone takes back what earlier rows with the same key said.
var errUndone = errors.New("undone")

// latest folds a tool's rows: of those with the same id the last one counts. A
// Row without a key is left out, one with errUndone takes the earlier ones back,
// and any other error counts unless a later row takes it back or does it again.
func latest(rows []record, read func(record) (Row, error)) ([]Row, error) {
	type verdict struct {
		row Row
		err error
	}
	last := map[string]verdict{}
	var order []string
	for _, r := range rows {
		row, err := read(r)
		if row.key == "" {
			continue
		}
		id := cmp.Or(row.id, row.key)
		if _, known := last[id]; !known {
			order = append(order, id)
		}
		last[id] = verdict{row, err}
	}
	var all []Row
	var errs []error
	for _, id := range order {
		switch v := last[id]; v.err {
		case nil:
			all = append(all, v.row)
		case errUndone: //nolint:errorlint // a sentinel that nobody wraps
		default:
			errs = append(errs, v.err)
		}
	}
	return all, errors.Join(errs...)
}

// failed refuses a history with a migration whose outcome the tool itself does
// not know.
func failed(where, tool, what, remedy string) error {
	return fault.New(fault.Conflict, "%s recorded %s as failed or not finished, so nobody knows what of it took effect", tool, what).At(where).Then("%s", remedy)
}
