package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
)

// Scan reads the current row's columns, as sql.Rows.Scan.
type Scan func(dest ...any) error

// Collect reads all rows, one value each, and closes them.
func Collect[T any](rows *sql.Rows, read func(Scan) (T, error)) (values []T, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		value, err := read(rows.Scan)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, rows.Err()
}

// Returning runs one writing statement that returns rows, in a transaction of its
// own, beside others: as [DB.Exec].
func Returning[T any](ctx context.Context, db *DB, read func(Scan) (T, error), query string, args ...any) (values []T, err error) {
	err = db.single(ctx, func() error {
		rows, err := db.write.QueryContext(ctx, query, storable(args)...)
		if err == nil {
			values, err = Collect(rows, read)
		}
		return err
	})
	return values, err
}

// Rows are the parameters of so many rows, for VALUES: "($1, $2), ($3, $4)".
func Rows(rows, width int) string {
	lists := make([]string, rows)
	for i := range lists {
		parameters := make([]string, width)
		for n := range parameters {
			parameters[n] = "$" + strconv.Itoa(i*width+n+1)
		}
		lists[i] = "(" + strings.Join(parameters, ", ") + ")"
	}
	return strings.Join(lists, ", ")
}
