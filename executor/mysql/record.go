package mysql

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// key names a migration in the ledger.
type key struct{ history, kind, version string }

func (s *session) keyOf(m executor.Migration) key {
	return key{ledger.History(s.run.History), ledger.Kind(m), m.Version}
}

// and puts the key before further arguments.
func (k key) and(args ...any) []any { return append([]any{k.history, k.kind, k.version}, args...) }

const (
	ofKey        = " WHERE history = ? AND kind = ? AND version = ?"
	withoutSteps = " AND NOT EXISTS (SELECT 1 FROM shipsql_steps s WHERE s.history = ? AND s.kind = ? AND s.version = ?)"
)

// transaction runs f in a transaction. An error rolls back.
func (s *session) transaction(ctx context.Context, f func() error) error {
	_, err := s.ExecContext(ctx, "START TRANSACTION")
	if err == nil {
		err = f()
	}
	if err != nil {
		s.rollback(ctx)
		return s.explained(err)
	}
	return s.commit(ctx)
}

// fence locks the meta row until the transaction ends, and makes sure that its
// epoch and the database's lock are ours.
func (s *session) fence(ctx context.Context) error {
	var epoch int64
	var held bool
	err := s.askRow(ctx, []any{&epoch, &held}, "SELECT epoch, IS_USED_LOCK(?) <=> CONNECTION_ID() FROM shipsql_meta FOR UPDATE", s.lock)
	switch {
	case err != nil:
		return s.explained(err)
	case epoch != s.epoch:
		return fault.New(fault.Conflict, "another run took the database over").At(s.at).Then("look at its result; nothing more is done here")
	}
	return s.mustHold(held)
}

// commit ends the transaction. When the connection breaks, only the ledger knows
// the outcome.
func (s *session) commit(ctx context.Context) error {
	_, err := s.ExecContext(ctx, "COMMIT")
	return s.explained(err)
}

// rollback ends a failed transaction. It is never cancelled, and where it fails
// the connection is cut: the next START TRANSACTION would commit what was to be
// undone.
func (s *session) rollback(ctx context.Context) {
	if _, err := s.ExecContext(context.WithoutCancel(ctx), "ROLLBACK"); err != nil {
		s.cut()
	}
}

// record commits our own writes behind the fence.
func (s *session) record(ctx context.Context, write func() error) error {
	return s.persist(ctx, func() error {
		if err := s.fence(ctx); err != nil {
			return err
		}
		return write()
	})
}

// persist commits our own writes, whose conditions are the fence; others may be in
// the way for a while.
func (s *session) persist(ctx context.Context, write func() error) error {
	ctx = context.WithoutCancel(ctx) // to say what happened isn't cancelled
	deadline := time.Now().Add(s.run.Limits.LockRetryFor)
	for n := 0; ; n++ {
		err := s.transaction(ctx, write)
		if !contended(err) && number(err) != errInterrupted || time.Now().After(deadline) || runner.Pause(ctx, n, time.Second) != nil {
			return err
		}
	}
}

// begun makes the migration's row, if it has none. One that no longer counts
// goes. An undo marks the row that it takes back.
func (f *file) begun(ctx context.Context) error {
	if f.resumed {
		return nil
	}
	if f.Undoing() {
		return f.setState(ctx, ledger.Partial)
	}
	if f.Replaces != nil {
		if err := f.forgetReplaced(ctx); err != nil {
			return err
		}
	}
	return f.insertRow(ctx, f.Migration, rowOf{state: ledger.Partial, release: f.run.Release, actor: f.run.Actor, tool: f.run.ToolVersion, note: f.Note, key: f.key()})
}

// rowOf is what a new row says beside its migration.
type rowOf struct {
	key                               key
	state, release, actor, tool, note string
}

func (s *session) insertRow(ctx context.Context, m executor.Migration, r rowOf) error {
	_, err := s.do(ctx, "INSERT INTO shipsql_migrations (history, kind, version, name, checksum, state, `release`, actor, tool_version, note, started_at) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE state = state",
		r.key.and(m.Name, m.Checksum, r.state, r.release, r.actor, r.tool, r.note)...)
	return err
}

// forgetReplaced removes a row that no longer counts, with its steps.
func (f *file) forgetReplaced(ctx context.Context) error {
	k := f.key()
	k.version = f.Replaces.Version
	err := f.ask(ctx, &f.replaced, "SELECT tool_version FROM shipsql_migrations"+ofKey, k.and()...)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := f.forgetSteps(ctx, k); err != nil {
		return err
	}
	_, err = f.do(ctx, "DELETE FROM shipsql_migrations"+ofKey, k.and()...)
	return err
}

// restore puts the row back that begun replaced: of the new text nothing is left.
func (f *file) restore(ctx context.Context) error {
	r, k := f.Replaces, f.key()
	k.version = r.Version
	_, err := f.do(ctx, "INSERT INTO shipsql_migrations (history, kind, version, name, checksum, state, `release`, actor, tool_version, note, started_at, finished_at) "+
		"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", k.and(r.Name, r.Checksum, r.State, r.Release, r.Actor, f.replaced, r.Note, r.StartedAt, r.FinishedAt)...)
	return err
}

// forgetSteps removes a migration's steps, those of its undo too.
func (f *file) forgetSteps(ctx context.Context, k key) error {
	_, err := f.do(ctx, "DELETE FROM shipsql_steps WHERE history = ? AND version = ? AND kind IN (?, ?)", k.history, k.version, k.kind, ledger.UndoStep)
	return err
}

// key is the ledger's spelling of the migration.
func (f *file) key() key {
	k := f.keyOf(f.Migration)
	if f.Row != nil {
		k.version = f.Row.Version
	}
	return k
}

// finish completes the migration's row, and what the companion keeps beside it.
func (f *file) finish(ctx context.Context) error {
	if f.Undoing() {
		if err := f.forgetSteps(ctx, f.key()); err != nil {
			return err
		}
		_, err := f.do(ctx, "UPDATE shipsql_migrations SET state = 'undone', `release` = ?, actor = ?, tool_version = ?, finished_at = UTC_TIMESTAMP(6)"+ofKey,
			append([]any{f.run.Release, f.run.Actor, f.run.ToolVersion}, f.key().and()...)...)
		if err != nil {
			return err
		}
		return f.companion(ctx)
	}
	if err := f.begun(ctx); err != nil { // nothing was recorded yet
		return err
	}
	if err := f.forgetStale(ctx); err != nil {
		return err
	}
	_, err := f.do(ctx, "UPDATE shipsql_migrations SET state = 'applied', name = ?, checksum = ?, finished_at = UTC_TIMESTAMP(6)"+ofKey,
		append([]any{f.Migration.Name, f.Migration.Checksum}, f.key().and()...)...)
	if err != nil {
		return err
	}
	return f.companion(ctx)
}

func (f *file) setState(ctx context.Context, state string) error {
	_, err := f.do(ctx, "UPDATE shipsql_migrations SET state = ?"+ofKey, append([]any{state}, f.key().and()...)...)
	return err
}

// forgetStale removes what an older ShipSQL only intended: it never ran.
func (f *file) forgetStale(ctx context.Context) error {
	if !f.stale {
		return nil
	}
	_, err := f.do(ctx, "DELETE FROM shipsql_steps"+ofKey+" AND state = 'intent'", f.stepKey().and()...)
	return err
}

// intend commits that statements are about to run.
func (f *file) intend(ctx context.Context, all []statement) error {
	err := f.record(ctx, func() error {
		if err := f.begun(ctx); err != nil {
			return err
		}
		return f.putSteps(ctx, ledger.StepIntent, all)
	})
	f.resumed = f.resumed || err == nil
	return err
}

// stepsAtOnce is how many rows of steps go into one statement.
const stepsAtOnce = 200

// putSteps writes the rows of statements that are about to run, or, of those that
// change nothing, ran.
func (f *file) putSteps(ctx context.Context, state string, statements []statement) error {
	k := f.stepKey()
	if err := f.forgetStale(ctx); err != nil {
		return err
	}
	for len(statements) > 0 {
		n := min(len(statements), stepsAtOnce)
		var args []any
		for _, s := range statements[:n] {
			if s.before.Rows { // not before: of all statements the texts would be much of the file
				s.before.Text = cut(s.Text)
			}
			args = append(args, k.and(s.n, ledger.StepHash(s.Text), state, s.before.bytes())...)
		}
		text := "INSERT INTO shipsql_steps (history, kind, version, n, stmt_hash, state, pre) VALUES " +
			strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?), ", n), ", ") +
			" ON DUPLICATE KEY UPDATE stmt_hash = VALUES(stmt_hash), state = VALUES(state), pre = VALUES(pre), predicted = NULL, post = NULL"
		if _, err := f.do(ctx, text, args...); err != nil {
			return err
		}
		statements = statements[n:]
	}
	return nil
}

// move is a change of the state of neighbouring steps.
type move struct {
	steps []statement
	state string
	post  observation
}

// move makes the change if the epoch is ours and says whether it did, for all of
// the steps. It is one statement, so outside of a transaction it is one by itself;
// FOR UPDATE has the epoch locked, whatever the isolation level. It names one table
// to change: for two MariaDB would make a temporary table on disk, which takes
// longer than a statement more.
func (f *file) move(ctx context.Context, m move) (moved bool, err error) {
	first, last := m.steps[0].n, m.steps[len(m.steps)-1].n
	n, err := f.do(ctx, "UPDATE shipsql_steps SET state = ?, post = ?"+ofKey+" AND n BETWEEN ? AND ? AND (SELECT epoch FROM shipsql_meta FOR UPDATE) = ?",
		append([]any{m.state, m.post.bytes()}, f.stepKey().and(first, last, f.epoch)...)...)
	return n == int64(len(m.steps)), err
}

// mustMove is move where all that could be in the way is another's doing.
func (f *file) mustMove(ctx context.Context, m move) error {
	moved, err := f.move(ctx, m)
	if err != nil || moved {
		return err
	}
	if err := f.fence(ctx); err != nil {
		return err
	}
	return fault.New(fault.Conflict, "the ledger's steps of version %s were changed by another", f.Migration.Version).At(f.at).Then("look who writes to shipsql_steps")
}

// forget removes the rows of steps that left no trace, and with the only ones
// the migration's row, which is then pending again, or what an undo made of it.
func (f *file) forget(ctx context.Context, statements []statement) error {
	k := f.stepKey()
	first, last := statements[0].n, statements[len(statements)-1].n
	if _, err := f.do(ctx, "DELETE FROM shipsql_steps"+ofKey+" AND n BETWEEN ? AND ?", k.and(first, last)...); err != nil {
		return err
	}
	gone, err := f.forgetRow(ctx, k)
	f.resumed = !gone
	if err == nil && gone && f.Replaces != nil && !f.Undoing() {
		return f.restore(ctx)
	}
	return err
}

// forgetRow has the migration's row be as before, if no step is left, and says
// whether it did.
func (f *file) forgetRow(ctx context.Context, steps key) (gone bool, err error) {
	if f.Undoing() {
		return f.restoreUndone(ctx, f.key())
	}
	n, err := f.do(ctx, "DELETE FROM shipsql_migrations"+ofKey+" AND state = 'partial'"+withoutSteps, append(f.key().and(), steps.and()...)...)
	return n > 0, err
}

// stepKey is under which the steps of the text that runs are kept.
func (f *file) stepKey() key {
	k := f.key()
	if f.Undoing() {
		k.kind = ledger.UndoStep
	}
	return k
}
