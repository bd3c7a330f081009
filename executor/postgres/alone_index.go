package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/internal/fault"
)

// createIndex is CREATE INDEX CONCURRENTLY. A failed one leaves an INVALID index
// behind, which IF NOT EXISTS would take for the real one.
type createIndex struct {
	name        string // "" when the server picks one
	table       string
	ifNotExists bool
	wanted      definition
	rest        string // of the text, behind the table's name
}

// definition is what an index can be compared by. Expressions and predicates
// come back from the catalog in the server's spelling, so only their presence
// counts.
type definition struct {
	Method  string
	Unique  bool
	Partial bool
	Columns []string // keys, then included ones; "" for an expression
}

func newCreateIndex(text string, s *pg_query.IndexStmt) createIndex {
	d := definition{Method: s.GetAccessMethod(), Unique: s.GetUnique(), Partial: s.GetWhereClause() != nil}
	if d.Method == "" {
		d.Method = "btree"
	}
	for _, p := range append(slices.Clone(s.GetIndexParams()), s.GetIndexIncludingParams()...) {
		d.Columns = append(d.Columns, p.GetIndexElem().GetName())
	}
	return createIndex{s.GetIdxname(), relationName(s.GetRelation()), s.GetIfNotExists(), d, behindName(text, int(s.GetRelation().GetLocation()))}
}

func (createIndex) patient() bool { return true }

// builtIndex is an index of the catalog.
type builtIndex struct {
	definition

	OID    int64
	Schema string
	Name   string
	Valid  bool
}

func (c createIndex) observe(ctx context.Context, s *session) (o observation, err error) {
	if o.Table, err = s.oid(ctx, c.table); err != nil {
		return o, err
	}
	if err := c.refusePartitioned(ctx, s, o.Table); err != nil {
		return o, err
	}
	all, err := s.builtIndexes(ctx, o.Table, nil)
	for _, x := range all {
		o.Indexes = append(o.Indexes, x.OID)
		if !c.ifNotExists || x.Name != c.name {
			continue
		}
		if !x.Valid {
			return o, fault.New(fault.Conflict, "index %s exists and is INVALID, so IF NOT EXISTS would do nothing", c.name).
				Then("run DROP INDEX CONCURRENTLY %s, then run the migration again", pgx.Identifier{x.Schema, x.Name}.Sanitize())
		}
		o.Existed = true
	}
	return o, err
}

// settle looks for an index that was not there before.
func (c createIndex) settle(ctx context.Context, s *session, before observation) (trace, error) {
	made, err := s.builtIndexes(ctx, before.Table, before.Indexes)
	if err != nil {
		return trace{}, err
	}
	made = slices.DeleteFunc(made, func(x builtIndex) bool { return c.name != "" && x.Name != c.name })
	switch {
	case len(made) == 0 && before.Existed:
		return trace{outcome: took}, nil
	case len(made) == 0:
		return trace{outcome: none}, nil
	case len(made) > 1:
		return trace{unknown, fmt.Sprintf("the table has %d new indexes", len(made))}, nil
	case !c.wanted.equal(made[0].definition):
		return trace{unknown, fmt.Sprintf("index %s was made meanwhile, with another definition", made[0].Name)}, nil
	case made[0].Valid:
		return trace{outcome: took}, nil
	}
	return trace{outcome: none}, s.dropConcurrently(ctx, made[0].Schema, made[0].Name)
}

func (d definition) equal(o definition) bool {
	return d.Method == o.Method && d.Unique == o.Unique && d.Partial == o.Partial && slices.Equal(d.Columns, o.Columns)
}

// builtIndexes returns a table's indexes but those known before.
func (s *session) builtIndexes(ctx context.Context, table int64, known []int64) ([]builtIndex, error) {
	rows, err := s.Query(ctx, `SELECT i.indexrelid::bigint, n.nspname::text, c.relname::text, i.indisvalid AND i.indisready,
			a.amname::text, i.indisunique, i.indpred IS NOT NULL,
			ARRAY(SELECT coalesce(t.attname::text, '') FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(number, place)
				LEFT JOIN pg_attribute t ON t.attrelid = i.indrelid AND t.attnum = k.number ORDER BY k.place)
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am a ON a.oid = c.relam
		WHERE i.indrelid::bigint = $1 AND NOT i.indexrelid::bigint = ANY (coalesce($2::bigint[], '{}'))`, table, known)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (x builtIndex, err error) {
		err = row.Scan(&x.OID, &x.Schema, &x.Name, &x.Valid, &x.Method, &x.Unique, &x.Partial, &x.Columns)
		return x, err
	})
}

// dropIndex is DROP INDEX CONCURRENTLY. A cut one leaves the index INVALID, and
// running it again finishes the work.
type dropIndex struct{ names []string }

func newDropIndex(s *pg_query.DropStmt) dropIndex {
	var d dropIndex
	for _, o := range s.GetObjects() {
		var name pgx.Identifier
		for _, part := range o.GetList().GetItems() {
			name = append(name, part.GetString_().GetSval())
		}
		d.names = append(d.names, name.Sanitize())
	}
	return d
}

func (dropIndex) patient() bool { return true }

func (d dropIndex) observe(ctx context.Context, s *session) (o observation, err error) {
	for _, name := range d.names {
		oid, err := s.oid(ctx, name)
		if err != nil {
			return o, err
		}
		if oid != 0 {
			o.Indexes = append(o.Indexes, oid)
		}
	}
	return o, nil
}

func (d dropIndex) settle(ctx context.Context, s *session, before observation) (trace, error) {
	var left int
	err := s.QueryRow(ctx, "SELECT count(*) FROM pg_class WHERE oid::bigint = ANY ($1::bigint[])", before.Indexes).Scan(&left)
	if len(before.Indexes) > 0 && left == 0 {
		return trace{outcome: took}, err
	}
	return trace{outcome: none}, err
}
