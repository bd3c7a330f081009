package store

import (
	"database/sql"
	"errors"
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
