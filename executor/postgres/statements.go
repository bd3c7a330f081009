package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/executor/script"
)

// protocol is a statement of the protocol's.
func protocol(text string) statement {
	return statement{Statement: script.Statement{Text: text}, protocol: true}
}

func queue(b *pgx.Batch, statements []statement) {
	for _, s := range statements {
		b.Queue(cmp.Or(s.prepared, s.Text))
	}
}

// reset makes the session as new between files, piece by piece: DISCARD ALL
// would drop the lock. What plain files can't leave behind is not looked for.
func (s *session) reset() []statement {
	all := []statement{protocol("RESET SESSION AUTHORIZATION"), protocol("RESET ROLE"), protocol("RESET ALL")}
	if s.dirty {
		all = append(all, protocol("DISCARD TEMP"), protocol("DEALLOCATE ALL"), protocol("CLOSE ALL"), protocol("UNLISTEN *"))
	}
	return all
}

// begin begins a transaction behind the fence.
func (s *session) begin(o opening) []statement {
	fence := protocol(s.fence)
	if s.prepared {
		fence.prepared = "shipsql_fence"
	}
	return slices.Concat([]statement{protocol(cmp.Or(o.begin, "BEGIN"))}, lowering("SET LOCAL ", o.limits), []statement{fence})
}

// isPlain says that a statement leaves nothing in the session: no settings, no
// temporary tables, no prepared statements. What calls functions by itself isn't
// plain.
func isPlain(tree *pg_query.Node) bool {
	switch n := tree.GetNode().(type) {
	case *pg_query.Node_CreateStmt:
		return n.CreateStmt.GetRelation().GetRelpersistence() != "t"
	case *pg_query.Node_AlterTableStmt, *pg_query.Node_IndexStmt, *pg_query.Node_DropStmt, *pg_query.Node_RenameStmt,
		*pg_query.Node_CommentStmt, *pg_query.Node_GrantStmt, *pg_query.Node_CreateSchemaStmt, *pg_query.Node_CreateEnumStmt,
		*pg_query.Node_AlterEnumStmt, *pg_query.Node_CreateFunctionStmt, *pg_query.Node_CreateTrigStmt, *pg_query.Node_CreateSeqStmt,
		*pg_query.Node_InsertStmt, *pg_query.Node_UpdateStmt, *pg_query.Node_DeleteStmt:
		return true
	}
	return false
}

// lowering lowers the limits that are set.
func lowering(set string, t runner.Timeouts) (all []statement) {
	if t.Lock > 0 {
		all = append(all, protocol(set+"lock_timeout = "+milliseconds(t.Lock)))
	}
	if t.Statement > 0 {
		all = append(all, protocol(set+"statement_timeout = "+milliseconds(t.Statement)))
	}
	return all
}

// limited puts the statements' own limits around them, inside a transaction.
func (f file) limited(statements []statement) []statement {
	if !slices.ContainsFunc(statements, func(s statement) bool { return s.limits != runner.Timeouts{} }) {
		return statements
	}
	var all []statement
	base := runner.TimeoutsOf(f.run).Lowered(f.limits)
	for _, s := range statements {
		if s.limits == (runner.Timeouts{}) {
			all = append(all, s)
			continue
		}
		all = append(all, setLocal(base.Lowered(s.limits))...)
		all = append(all, s)
		all = append(all, setLocal(base)...)
	}
	return all
}

// asRole has statements run as the run's role; whatever the file sets comes
// behind.
func (f file) asRole(statements []statement) []statement {
	if f.run.Role == "" {
		return statements
	}
	role := statement{Statement: script.Statement{Text: setRole("SET LOCAL ROLE ", f.run.Role)}}
	return append([]statement{role}, statements...)
}

func setRole(set, role string) string { return set + pgx.Identifier{role}.Sanitize() }

// setLocal are statements of ours, which count for nothing.
func setLocal(t runner.Timeouts) []statement {
	return []statement{
		{Statement: script.Statement{Text: "SET LOCAL lock_timeout = " + milliseconds(t.Lock)}},
		{Statement: script.Statement{Text: "SET LOCAL statement_timeout = " + milliseconds(t.Statement)}},
	}
}

// The statements that every file needs are prepared once: planning them would
// cost more than they do.
const (
	appliedSQL = `INSERT INTO shipsql.migrations (history, kind, version, name, checksum, state, release, actor, tool_version, note, started_at, finished_at)
		VALUES ($1, $2, $3, $4, $5, 'applied', $6, $7, $8, $9, now(), clock_timestamp())`
)

// Those that marks and files of several steps need aren't.
const (
	insertSQL = `INSERT INTO shipsql.migrations (history, kind, version, name, checksum, state, release, actor, tool_version, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`
	finishSQL = `UPDATE shipsql.migrations SET state = 'applied', name = $4, checksum = $5, finished_at = clock_timestamp()
		WHERE history = $1 AND kind = $2 AND version = $3`
)

// prepareOwn prepares them; a file that may deallocate statements must not use
// them.
func (s *session) prepareOwn(ctx context.Context) error {
	for name, sql := range map[string]string{"shipsql_fence": s.fence, "shipsql_applied": appliedSQL} {
		if _, err := s.Prepare(ctx, name, sql); err != nil {
			return err
		}
	}
	s.prepared = true
	return nil
}

// applied is what to send for appliedSQL.
func (s *session) applied() string {
	if s.prepared {
		return "shipsql_applied"
	}
	return appliedSQL
}
