package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// queueReset makes the session as new between files, piece by piece: DISCARD ALL
// would drop the lock. What plain files can't leave behind is not looked for.
func (s *session) queueReset(b *pgx.Batch) {
	b.Queue("RESET SESSION AUTHORIZATION")
	b.Queue("RESET ROLE")
	b.Queue("RESET ALL")
	if s.dirty {
		for _, sql := range []string{"DISCARD TEMP", "DEALLOCATE ALL", "CLOSE ALL", "UNLISTEN *"} {
			b.Queue(sql)
		}
	}
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

// queueTimeouts lowers the limits that are set.
func queueTimeouts(b *pgx.Batch, set string, t runner.Timeouts) {
	if t.Lock > 0 {
		b.Queue(fmt.Sprintf("%slock_timeout = %d", set, t.Lock.Milliseconds()))
	}
	if t.Statement > 0 {
		b.Queue(fmt.Sprintf("%sstatement_timeout = %d", set, t.Statement.Milliseconds()))
	}
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

// fence is what the target says about our right to write.
type fence struct {
	session *session
	epoch   int64
	held    bool
}

// The statements that every file needs are prepared once: planning them would
// cost more than they do.
const (
	fenceSQL = `SELECT epoch, CASE WHEN pg_advisory_unlock($1, $2) THEN pg_try_advisory_lock($1, $2) ELSE false END,
		set_config('application_name', $3, false) FROM shipsql.meta FOR UPDATE`
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
	for name, sql := range map[string]string{"shipsql_fence": fenceSQL, "shipsql_applied": appliedSQL} {
		if _, err := s.Prepare(ctx, name, sql); err != nil {
			return err
		}
	}
	s.prepared = true
	return nil
}

// own returns what to send for one of our statements.
func (s *session) own(name, sql string) string {
	if s.prepared {
		return name
	}
	return sql
}

// queueFence locks the meta row until the transaction ends and reads the epoch.
// The session holds the lock twice, so that giving one hold back and taking it
// again tells whether it has it, without letting go; pg_locks would tell too, at
// twenty times the price.
func (s *session) queueFence(b *pgx.Batch) *fence {
	f := &fence{session: s}
	b.Queue(s.own("shipsql_fence", fenceSQL), lockClass, lockObject, applicationName(s.run.Task, s.epoch)).
		QueryRow(func(row pgx.Row) error {
			err := row.Scan(&f.epoch, &f.held, nil)
			if errors.Is(err, pgx.ErrNoRows) {
				return badMeta(0)
			}
			return err
		})
	return f
}

func (f *fence) check() error {
	switch {
	case f.epoch < f.session.epoch:
		return fault.New(fault.Conflict, "somebody restored or edited the ledger, or took the database over: its epoch went back from %d to %d while the run was under way", f.session.epoch, f.epoch).
			At(f.session.where()).Then("look at the database, then run again: the ledger as it is now decides")
	case f.epoch != f.session.epoch:
		return fault.New(fault.Conflict, "another run took the database over").At(f.session.where()).Then("look at its result; nothing more is done here")
	case !f.held:
		return fault.New(fault.Conflict, "the session lost the database's lock").At(f.session.where()).Then("trying again is safe")
	}
	return nil
}
