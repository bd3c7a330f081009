package mysql

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// key is a place in the ledger, as our statements name it.
type key struct{ ledger.Place }

// and puts the key before further arguments.
func (k key) and(args ...any) []any { return append([]any{k.History, k.Kind, k.Version}, args...) }

const (
	ofKey        = " WHERE history = ? AND kind = ? AND version = ?"
	withoutSteps = " AND NOT EXISTS (SELECT 1 FROM shipsql_steps s WHERE s.history = ? AND s.kind = ? AND s.version = ?)"
)

// fence locks the meta row until the connection's transaction ends, and makes sure
// that its epoch and the database's lock are ours.
func (s *session) fence(ctx context.Context, c *connection) error {
	var epoch int64
	var held bool
	err := c.askRow(ctx, []any{&epoch, &held}, "SELECT epoch, holder_id <=> IS_USED_LOCK(?) FROM shipsql_meta FOR UPDATE", s.lock)
	switch {
	case err != nil:
		return s.explained(err)
	case epoch != s.epoch:
		return s.unlessCut(ctx, fault.New(fault.Conflict, "another run took the database over").At(s.at).Then("look at its result; nothing more is done here"))
	}
	return s.unlessCut(ctx, s.mustHold(held))
}

// unlessCut returns why we may not write, or, where that is because our session is
// gone and its lock with it, asks for a new one: it waits for the lock, and reads in
// the ledger what to do.
func (s *session) unlessCut(ctx context.Context, refused error) error {
	if refused == nil {
		return nil
	}
	if lost, cut := errors.AsType[*runner.Lost](s.held(ctx)); cut {
		return lost
	}
	return refused
}

// rollback ends a failed transaction. It is never cancelled, and where it fails
// the connection is cut: the next START TRANSACTION would commit what was to be
// undone.
func (c *connection) rollback(ctx context.Context) {
	if _, err := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		c.cut()
	}
}

// opening is what the ledger must have before it takes more of the migration: its
// row, if it has none, and the steps of statements that ran and changed nothing. What
// an older ShipSQL only intended goes, because it never ran; and so does a row that
// no longer counts. An undo marks the row that it takes back.
func (f *file) opening() (writes []executor.Query) {
	switch {
	case f.resumed:
	case f.Undoing():
		writes = append(writes, f.setState(ledger.Partial))
	default:
		if f.Replaces != nil {
			old := f.key()
			old.Version = f.Replaces.Version
			writes = append(writes, old.forgetSteps(), executor.Query{SQL: "DELETE FROM shipsql_migrations" + ofKey, Args: old.and()})
		}
		writes = append(writes, insertRow(f.Migration, rowOf{
			state: ledger.Partial, release: f.run.Release, actor: f.run.Actor, tool: f.run.ToolVersion, note: f.Note, key: f.key(),
		}))
	}
	if f.stale {
		writes = append(writes, executor.Query{SQL: "DELETE FROM shipsql_steps" + ofKey + " AND state = 'intent'", Args: f.stepKey().and()})
	}
	for some := range slices.Chunk(f.quiet, stepsAtOnce) {
		writes = append(writes, f.putSteps(ledger.StepDone, some))
	}
	return writes
}

// opened notes that the ledger took the opening.
func (f *file) opened() { f.resumed, f.stale, f.quiet = true, false, nil }

// record commits our own writes behind the fence, and the opening before them, and
// returns how many rows each of them changed.
func (f *file) record(ctx context.Context, writes ...executor.Query) ([]int64, error) {
	opening := f.opening()
	changed, err := f.note(ctx, slices.Concat(opening, writes)...)
	if err != nil {
		return nil, err
	}
	f.opened()
	return changed[len(opening):], nil
}

// rowOf is what a new row says beside its migration.
type rowOf struct {
	key                               key
	state, release, actor, tool, note string
}

func insertRow(m executor.Migration, r rowOf) executor.Query {
	return executor.Query{SQL: "INSERT INTO shipsql_migrations (history, kind, version, name, checksum, state, `release`, actor, tool_version, note, started_at) " +
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE state = state",
		Args: r.key.and(m.Name, m.Checksum, r.state, r.release, r.actor, r.tool, r.note)}
}

// restore puts the row back that the opening replaced, if no step of the new text is
// left.
func (f *file) restore() executor.Query {
	r, k := f.Replaces, f.key()
	k.Version = r.Version
	return executor.Query{SQL: "INSERT INTO shipsql_migrations (history, kind, version, name, checksum, state, `release`, actor, tool_version, note, started_at, finished_at) " +
		"SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM DUAL WHERE true" + withoutSteps,
		Args: slices.Concat(k.and(r.Name, r.Checksum, r.State, r.Release, r.Actor, r.ToolVersion, r.Note, r.StartedAt, r.FinishedAt), f.stepKey().and())}
}

// forgetSteps removes a migration's steps, those of its undo too.
func (k key) forgetSteps() executor.Query {
	return executor.Query{SQL: "DELETE FROM shipsql_steps WHERE history = ? AND version = ? AND kind IN (?, ?)", Args: []any{k.History, k.Version, k.Kind, ledger.UndoStep}}
}

func (f *file) key() key { return key{f.plan.Place(f.run.History)} }

// stepKey is under which the steps of the text that runs are kept.
func (f *file) stepKey() key { return key{f.StepPlace(f.run.History)} }

// finished completes the migration's row.
func (f *file) finished() []executor.Query {
	k := f.key()
	if f.Undoing() {
		return []executor.Query{k.forgetSteps(), {
			SQL:  "UPDATE shipsql_migrations SET state = 'undone', `release` = ?, actor = ?, tool_version = ?, finished_at = UTC_TIMESTAMP(6)" + ofKey,
			Args: append([]any{f.run.Release, f.run.Actor, f.run.ToolVersion}, k.and()...),
		}}
	}
	return []executor.Query{{
		SQL:  "UPDATE shipsql_migrations SET state = 'applied', name = ?, checksum = ?, finished_at = UTC_TIMESTAMP(6)" + ofKey,
		Args: append([]any{f.Migration.Name, f.Migration.Checksum}, k.and()...),
	}}
}

func (f *file) setState(state string) executor.Query {
	return executor.Query{SQL: "UPDATE shipsql_migrations SET state = ?" + ofKey, Args: append([]any{state}, f.key().and()...)}
}

// stepsAtOnce is how many rows of steps go into one statement.
const stepsAtOnce = 200

// putSteps writes the rows of at most stepsAtOnce statements that are about to run,
// or, of those that change nothing, ran.
func (f *file) putSteps(state string, statements []statement) executor.Query {
	k := f.stepKey()
	var args []any
	for _, s := range statements {
		if s.before.Rows { // not before: of all statements the texts would be much of the file
			s.before.Text = cut(s.Text)
		}
		args = append(args, k.and(s.n, ledger.StepHash(s.Text), state, s.before.bytes())...)
	}
	return executor.Query{SQL: "INSERT INTO shipsql_steps (history, kind, version, n, stmt_hash, state, pre) VALUES " +
		strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", len(statements)), ", ") +
		" ON DUPLICATE KEY UPDATE stmt_hash = VALUES(stmt_hash), state = VALUES(state), pre = VALUES(pre), predicted = NULL, post = NULL", Args: args}
}

// move has neighbouring steps be done.
func (f *file) move(steps []statement, after observation) executor.Query {
	first, last := steps[0].n, steps[len(steps)-1].n
	return executor.Query{SQL: "UPDATE shipsql_steps SET state = 'done', post = ?" + ofKey + " AND n BETWEEN ? AND ?",
		Args: append([]any{after.bytes()}, f.stepKey().and(first, last)...)}
}

// forget removes the row of a step that left no trace, and with the only one the
// migration's row, which is then pending again, or what an undo or a new text made
// of it.
func (f *file) forget(ctx context.Context, s statement) error {
	steps := f.stepKey()
	writes := []executor.Query{{SQL: "DELETE FROM shipsql_steps" + ofKey + " AND n = ?", Args: steps.and(s.n)}}
	switch {
	case f.Undoing():
		writes = append(writes, restoreUndone(f.key()))
	default:
		writes = append(writes, executor.Query{SQL: "DELETE FROM shipsql_migrations" + ofKey + " AND state = 'partial'" + withoutSteps, Args: append(f.key().and(), steps.and()...)})
		if f.Replaces != nil {
			writes = append(writes, f.restore())
		}
	}
	changed, err := f.record(ctx, writes...)
	if err != nil {
		return err
	}
	f.resumed = changed[1] == 0
	return nil
}
