package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/shipsql/shipsql/store"
)

// encode is a value as a JSON column holds it.
func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// decode reads a JSON column; the empty text leaves v as it is.
func decode(text string, v any) error {
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), v)
}

// column is a JSON column and where it belongs.
type column struct {
	text string
	into any
}

// decodeAll reads several JSON columns.
func decodeAll(columns ...column) error {
	for _, c := range columns {
		if err := decode(c.text, c.into); err != nil {
			return fmt.Errorf("read stored JSON: %w", err)
		}
	}
	return nil
}

// optional is the JSON of a pointer, ” for nil.
func optional[T any](v *T) (string, error) {
	if v == nil {
		return "", nil
	}
	return encode(v)
}

// micros is a time as stored; the zero time is 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return store.Micros(t)
}

// fromMicros is the inverse of micros.
func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return store.FromMicros(us)
}

// list runs a query and reads every row.
func list[T any](ctx context.Context, q store.Queryer, read func(store.Scan) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return store.Collect(rows, read)
}

// text reads a row of one text column.
func text(scan store.Scan) (s string, err error) { return s, scan(&s) }

// scope selects releases: a condition on deploy_releases and its parameters.
type scope struct {
	where string
	args  []any
}

func unfinishedOf(project string) scope {
	return scope{"project = $1 AND finished_at = 0", []any{project}}
}

func onlyRelease(id string) scope { return scope{"id = $1", []any{id}} }

func ofPullRequest(repository string, number int) scope {
	return scope{"repository = $1 AND pull_request = $2", []any{repository, number}}
}

// releases is the condition on a table's column release.
func (s scope) releases() string {
	return "release IN (SELECT id FROM deploy_releases WHERE " + s.where + ")"
}
