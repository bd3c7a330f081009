package postgres

import (
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
)

// What a file writes to the ledger. An undo writes the same row as the apply,
// and steps of a kind of their own.

// key names a migration in the ledger.
type key struct{ history, kind, version string }

func (s *session) keyOf(m executor.Migration) key {
	return key{ledger.History(s.run.History), ledger.Kind(m), m.Version}
}

// key is the ledger's spelling of the migration.
func (f file) key() key {
	k := f.keyOf(f.Migration)
	if f.Row != nil {
		k.version = f.Row.Version
	}
	return k
}

// stepKey is the key of the steps.
func (f file) stepKey() key {
	k := f.key()
	if f.Undoing() {
		k.kind = ledger.UndoStep
	}
	return k
}

// begun says that an earlier run left a part of the file.
func (f file) begun() bool { return len(f.Left()) > 0 || f.Row != nil && !f.Undoing() }

// queueBegun makes the migration's row, if it has none; an undo changes the one
// that is there.
func (f file) queueBegun(b *pgx.Batch) {
	if f.Undoing() {
		f.queueState(b, ledger.Partial)
		return
	}
	f.queueReplaced(b)
	k := f.key()
	b.Queue(insertSQL, k.history, k.kind, k.version, f.Migration.Name, f.Migration.Checksum, ledger.Partial,
		f.run.Release, f.run.Actor, f.run.ToolVersion, f.Note)
}

// queueReplaced removes the row that no longer counts.
func (f file) queueReplaced(b *pgx.Batch) {
	if old := f.Replaces; old != nil {
		for _, table := range []string{"steps", "migrations"} {
			b.Queue("DELETE FROM shipsql."+table+" WHERE history = $1 AND kind = $2 AND version = $3", ledger.History(f.run.History), old.Kind, old.Version)
		}
	}
}

// queueState changes the migration's state.
func (f file) queueState(b *pgx.Batch, state string) *pgx.QueuedQuery {
	k := f.key()
	return b.Queue("UPDATE shipsql.migrations SET state = $4 WHERE history = $1 AND kind = $2 AND version = $3", k.history, k.kind, k.version, state)
}

// queueWhole writes the row of a migration that is one transaction, and the other
// tool's history with it.
func (f file) queueWhole(b *pgx.Batch, took time.Duration) {
	if f.Undoing() {
		f.queueFinish(b, took)
		return
	}
	f.queueReplaced(b)
	k := f.key()
	b.Queue(f.applied(), k.history, k.kind, k.version, f.Migration.Name, f.Migration.Checksum,
		f.run.Release, f.run.Actor, f.run.ToolVersion, f.Note).Fn = func(results pgx.BatchResults) error {
		_, err := results.Exec()
		if pg, answered := errors.AsType[*pgconn.PgError](err); answered && pg.Code == "23505" { // unique_violation
			return f.otherRow().Because(err)
		}
		return err
	}
	f.queueCompanion(b, took)
}

// queueFinished completes the migration's row behind the last step.
func (f file) queueFinished(b *pgx.Batch) { f.queueFinish(b, time.Since(f.started)) }

// queueFinish completes the migration's row, and the other tool's history with
// it.
func (f file) queueFinish(b *pgx.Batch, took time.Duration) {
	k := f.key()
	if f.Undoing() {
		b.Queue(undoneSQL, k.history, k.kind, k.version, f.run.Release, f.run.Actor, f.run.ToolVersion)
		b.Queue("DELETE FROM shipsql.steps WHERE history = $1 AND kind IN ($2, 'undo') AND version = $3", k.history, k.kind, k.version)
	} else {
		b.Queue(finishSQL, k.history, k.kind, k.version, f.Migration.Name, f.Migration.Checksum)
	}
	f.queueCompanion(b, took)
}

const undoneSQL = `UPDATE shipsql.migrations SET state = 'undone', release = $4, actor = $5, tool_version = $6, finished_at = clock_timestamp()
	WHERE history = $1 AND kind = $2 AND version = $3`

// queueStep writes the row of a step that runs alone, and those of the marks
// before it.
func (f file) queueStep(b *pgx.Batch, s statement, state string, before observation) {
	f.queueDone(b, s.marks)
	k := f.stepKey()
	b.Queue(`INSERT INTO shipsql.steps (history, kind, version, n, stmt_hash, state, pre) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (history, kind, version, n) DO UPDATE SET stmt_hash = excluded.stmt_hash, state = excluded.state, pre = excluded.pre`,
		k.history, k.kind, k.version, s.n, ledger.StepHash(s.Text), state, before.String())
}

// queueDone writes the rows of steps that share our transaction, and those of
// their marks, all at once: a part may have very many.
func (f file) queueDone(b *pgx.Batch, statements []statement) {
	var numbers []int32
	var hashes []string
	for _, s := range statements {
		for _, mark := range s.marks {
			numbers, hashes = append(numbers, int32(mark.n)), append(hashes, ledger.StepHash(mark.Text))
		}
		numbers, hashes = append(numbers, int32(s.n)), append(hashes, ledger.StepHash(s.Text))
	}
	if len(numbers) == 0 {
		return
	}
	k := f.stepKey()
	b.Queue(`INSERT INTO shipsql.steps (history, kind, version, n, stmt_hash, state) SELECT $1, $2, $3, n, h, 'done' FROM unnest($4::int[], $5::text[]) x(n, h)
		ON CONFLICT (history, kind, version, n) DO UPDATE SET stmt_hash = excluded.stmt_hash, state = excluded.state`,
		k.history, k.kind, k.version, numbers, hashes)
}

// queueForget removes the row of a step that left no trace. With the only step
// the migration is what it was before: pending, or there.
func (f file) queueForget(b *pgx.Batch, s statement) {
	for _, mark := range s.marks {
		f.queueForget(b, mark)
	}
	k := f.stepKey()
	b.Queue("DELETE FROM shipsql.steps WHERE history = $1 AND kind = $2 AND version = $3 AND n = $4", k.history, k.kind, k.version, s.n)
	if f.Undoing() {
		f.queueRestore(b, f.key())
		return
	}
	b.Queue(`DELETE FROM shipsql.migrations m WHERE history = $1 AND kind = $2 AND version = $3
		AND NOT EXISTS (SELECT FROM shipsql.steps s WHERE (s.history, s.kind, s.version) = (m.history, m.kind, m.version))`,
		k.history, k.kind, k.version)
}

// queueRestore gives a row the state from before its undo, if no step of that is
// left. What ran here has an end, what is a baseline has none.
func (s *session) queueRestore(b *pgx.Batch, k key) {
	b.Queue(`UPDATE shipsql.migrations m SET state = CASE WHEN finished_at IS NULL THEN 'baseline' ELSE 'applied' END
		WHERE history = $1 AND kind = $2 AND version = $3
		AND NOT EXISTS (SELECT FROM shipsql.steps s WHERE (s.history, s.kind, s.version) = (m.history, 'undo', m.version))`,
		k.history, k.kind, k.version)
}
