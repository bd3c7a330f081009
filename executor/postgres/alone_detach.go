package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// detach is ALTER TABLE … DETACH PARTITION … CONCURRENTLY. A cut one leaves the
// partition "pending detach", which FINALIZE completes.
type detach struct{ parent, partition string }

// newDetach returns nil for any other ALTER TABLE.
func newDetach(s *pg_query.AlterTableStmt) alone {
	for _, c := range s.GetCmds() {
		command := c.GetAlterTableCmd()
		part := command.GetDef().GetPartitionCmd()
		if command.GetSubtype() == pg_query.AlterTableType_AT_DetachPartition && part.GetConcurrent() {
			return detach{relationName(s.GetRelation()), relationName(part.GetName())}
		}
	}
	return nil
}

func (detach) patient() bool { return false }

func (d detach) observe(ctx context.Context, s *session) (o observation, err error) {
	if o.Table, err = s.oid(ctx, d.parent); err != nil {
		return o, err
	}
	if o.Other, err = s.oid(ctx, d.partition); err != nil {
		return o, err
	}
	o.Existed, _, err = s.attached(ctx, o)
	return o, err
}

func (d detach) settle(ctx context.Context, s *session, before observation) (trace, error) {
	attached, pending, err := s.attached(ctx, before)
	switch {
	case err != nil:
		return trace{}, err
	case pending:
		return trace{outcome: took}, s.finalize(ctx, before)
	case attached || !before.Existed:
		return trace{outcome: none}, nil
	}
	return trace{outcome: took}, nil
}

// attached says whether the partition belongs to its table, and whether it is
// about to leave.
func (s *session) attached(ctx context.Context, o observation) (attached, pending bool, err error) {
	err = s.QueryRow(ctx, "SELECT true, inhdetachpending FROM pg_inherits WHERE inhparent::bigint = $1 AND inhrelid::bigint = $2", o.Table, o.Other).
		Scan(&attached, &pending)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, false, nil
	}
	return attached, pending, err
}

// finalize completes a pending detach. The names come from the catalog, so the
// file's search_path plays no part.
func (s *session) finalize(ctx context.Context, o observation) error {
	var sql string
	err := s.QueryRow(ctx, `SELECT format('ALTER TABLE %I.%I DETACH PARTITION %I.%I FINALIZE', pn.nspname, p.relname, cn.nspname, c.relname)
		FROM pg_class p JOIN pg_namespace pn ON pn.oid = p.relnamespace, pg_class c JOIN pg_namespace cn ON cn.oid = c.relnamespace
		WHERE p.oid::bigint = $1 AND c.oid::bigint = $2`, o.Table, o.Other).Scan(&sql)
	if err != nil {
		return err
	}
	_, err = s.Exec(ctx, sql)
	return err
}
