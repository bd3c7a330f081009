package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// reindex is any REINDEX that can't run in a transaction. A cut REINDEX
// CONCURRENTLY leaves INVALID indexes with the suffix _ccnew or _ccold behind.
type reindex struct {
	relation     string // "" for a schema or database
	schema       string // of REINDEX SCHEMA
	isIndex      bool
	concurrently bool
}

func newReindex(s *pg_query.ReindexStmt) alone {
	r := reindex{isIndex: s.GetKind() == pg_query.ReindexObjectType_REINDEX_OBJECT_INDEX}
	if s.GetRelation() != nil {
		r.relation = relationName(s.GetRelation())
	}
	if s.GetKind() == pg_query.ReindexObjectType_REINDEX_OBJECT_SCHEMA {
		r.schema = s.GetName()
	}
	for _, p := range s.GetParams() {
		if e := p.GetDefElem(); e.GetDefname() == "concurrently" {
			r.concurrently = !isOff(e.GetArg())
		}
	}
	switch {
	case r.concurrently:
		return r
	case r.relation == "":
		return repeatable{}
	}
	return nil
}

// isOff reads an option's value as the server does: absent is on.
func isOff(arg *pg_query.Node) bool {
	if b := arg.GetBoolean(); b != nil {
		return !b.GetBoolval()
	}
	if i := arg.GetInteger(); i != nil {
		return i.GetIval() == 0
	}
	return slices.Contains([]string{"off", "false"}, arg.GetString_().GetSval())
}

func (reindex) patient() bool { return true }

func (r reindex) observe(ctx context.Context, s *session) (o observation, err error) {
	if r.relation != "" {
		if o.Table, err = s.oid(ctx, r.relation); err != nil {
			return o, err
		}
	}
	if r.isIndex {
		err = s.QueryRow(ctx, "SELECT coalesce(max(indrelid::bigint), 0) FROM pg_index WHERE indexrelid::bigint = $1", o.Table).Scan(&o.Table)
		if err != nil {
			return o, err
		}
	}
	remains, err := r.remains(ctx, s, o)
	for _, x := range remains {
		o.Indexes = append(o.Indexes, x.OID)
	}
	return o, err
}

// settle drops what a cut attempt left; rebuilding again does no harm.
func (r reindex) settle(ctx context.Context, s *session, before observation) (trace, error) {
	remains, err := r.remains(ctx, s, before)
	if err != nil {
		return trace{}, err
	}
	for _, x := range remains {
		if err := s.dropConcurrently(ctx, x.Schema, x.Name); err != nil {
			return trace{}, err
		}
	}
	return trace{outcome: none}, nil
}

// remains returns the INVALID indexes of cut rebuilds that were not there
// before: of one table with its TOAST table, of a schema, or of all. One that
// another session builds now is none.
func (r reindex) remains(ctx context.Context, s *session, before observation) ([]builtIndex, error) {
	rows, err := s.Query(ctx, `SELECT c.oid::bigint, n.nspname::text, c.relname::text
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
			JOIN pg_class t ON t.oid = i.indrelid OR t.reltoastrelid = i.indrelid
		WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$' AND t.relkind <> 't' AND has_schema_privilege(n.oid, 'USAGE')
			AND ($1::bigint = 0 OR t.oid::bigint = $1) AND ($3 = '' OR t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $3))
			AND NOT c.oid::bigint = ANY (coalesce($2::bigint[], '{}'))
			AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid)`, before.Table, before.Indexes, r.schema)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (x builtIndex, err error) {
		err = row.Scan(&x.OID, &x.Schema, &x.Name)
		return x, err
	})
}
