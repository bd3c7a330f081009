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

// own is a statement of ours.
func own(text string, args ...any) statement {
	return statement{Statement: script.Statement{Text: text}, own: &owned{args: args}}
}

// reset makes the session as new between files, piece by piece: DISCARD ALL
// would drop the lock. What plain files can't leave behind is not looked for.
func (s *session) reset() []statement {
	all := []statement{own(resetSession), own(resetRole), own(resetAll)}
	if s.dirty {
		all = append(all, own("DISCARD TEMP"), own("DEALLOCATE ALL"), own("CLOSE ALL"), own("UNLISTEN *"))
	}
	return all
}

// begin begins a transaction, in the file's own words if it has some, and checks
// the fence.
func (s *session) begin(words string) []statement {
	return []statement{own(cmp.Or(words, "BEGIN")), own(s.fence)}
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
		all = append(all, own(set+"lock_timeout = "+milliseconds(t.Lock)))
	}
	if t.Statement > 0 {
		all = append(all, own(set+"statement_timeout = "+milliseconds(t.Statement)))
	}
	return all
}

// limited puts the file's limits before its statements, inside a transaction, and
// the statements' own around them.
func (f file) limited(statements []statement) []statement {
	return append(lowering("SET LOCAL ", f.limits), f.eachLimited(statements)...)
}

func (f file) eachLimited(statements []statement) []statement {
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
	if f.run.Role == "" || len(statements) == 0 {
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

// Statements of ours that stand in several places.
const (
	resetSession = "RESET SESSION AUTHORIZATION"
	resetRole    = "RESET ROLE"
	resetAll     = "RESET ALL"
	commitSQL    = "COMMIT"
	appliedSQL   = `INSERT INTO shipsql.migrations (history, kind, version, name, checksum, state, release, actor, tool_version, note, started_at, finished_at)
		VALUES ($1, $2, $3, $4, $5, 'applied', $6, $7, $8, $9, now(), clock_timestamp())`
)

// prepareOwn prepares what every file needs: to parse and plan it would cost more
// than it does. A file that may deallocate statements must not use them.
func (s *session) prepareOwn(ctx context.Context) error {
	prepared := map[string]string{
		s.fence: "shipsql_fence", appliedSQL: "shipsql_applied",
		resetSession: "shipsql_reset_session", resetRole: "shipsql_reset_role", resetAll: "shipsql_reset_all",
	}
	pipe := s.PgConn().StartPipeline(ctx)
	for text, name := range prepared {
		pipe.SendPrepare(name, text, nil)
	}
	_ = pipe.Sync() // Close tells what went wrong
	if err := pipe.Close(); err != nil {
		return err
	}
	s.prepared = prepared
	return nil
}
