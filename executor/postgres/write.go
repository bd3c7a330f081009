package postgres

import (
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/internal/fault"
)

// What a file writes to the ledger. An undo writes the same row as the apply,
// and steps of a kind of their own.

// key is where the ledger keeps the migration's row; stepKey, its steps.
func (f file) key() ledger.Place { return f.program.Place(f.run.History) }

func (f file) stepKey() ledger.Place { return f.StepPlace(f.run.History) }

// begun says that an earlier run left a part of the file.
func (f file) begun() bool { return len(f.Left()) > 0 || f.Row != nil && !f.Undoing() }

// underWay makes the migration's row, if it has none; an undo changes the one that is
// there.
func (f file) underWay() []statement {
	if f.Undoing() {
		return []statement{f.state(ledger.Partial)}
	}
	k := f.key()
	return append(f.replaced(), own(insertSQL, k.History, k.Kind, k.Version, f.Migration.Name, f.Migration.Checksum, ledger.Partial,
		f.run.Release, f.run.Actor, f.run.ToolVersion, f.Note))
}

// replaced removes the row that no longer counts.
func (f file) replaced() (all []statement) {
	if old := f.Replaces; old != nil {
		for _, table := range []string{"steps", "migrations"} {
			all = append(all, own("DELETE FROM shipsql."+table+" WHERE history = $1 AND kind = $2 AND version = $3", ledger.History(f.run.History), old.Kind, old.Version))
		}
	}
	return all
}

// state changes the migration's state.
func (f file) state(state string) statement {
	k := f.key()
	return own("UPDATE shipsql.migrations SET state = $4 WHERE history = $1 AND kind = $2 AND version = $3", k.History, k.Kind, k.Version, state)
}

// claimed changes the state of the row that an undo needs, and fails where there
// is none.
func (f file) claimed() []statement {
	s := f.state(ledger.Undone)
	s.Text = "WITH changed AS (" + s.Text + " RETURNING 1) SELECT 1 / count(*) FROM changed"
	s.own.means = f.otherRowAt(divided)
	return []statement{s}
}

// applied writes the row of a migration that is one transaction, and the other
// tool's history with it.
func (f file) applied() []statement {
	k := f.key()
	row := own(appliedSQL, k.History, k.Kind, k.Version, f.Migration.Name, f.Migration.Checksum,
		f.run.Release, f.run.Actor, f.run.ToolVersion, f.Note)
	row.own.means = f.otherRowAt("23505") // unique_violation
	return slices.Concat(f.replaced(), []statement{row}, f.companion())
}

// otherRowAt says what an error with a state means at the ledger's row: it isn't
// as it was read. While we hold lock and epoch, that can't be, unless somebody
// writes it by hand.
func (f file) otherRowAt(state string) func(error) error {
	return func(err error) error {
		if pg, answered := errors.AsType[*pgconn.PgError](err); !answered || pg.Code != state {
			return err
		}
		return fault.New(fault.Conflict, "the ledger's row of version %s changed while the run held the lock", f.Migration.Version).
			At(f.Path()).Then("trying again reads it")
	}
}

// finished completes the migration's row, and the other tool's history with it.
func (f file) finished() []statement {
	k := f.key()
	all := []statement{own(finishSQL, k.History, k.Kind, k.Version, f.Migration.Name, f.Migration.Checksum)}
	if f.Undoing() {
		all = []statement{
			own(undoneSQL, k.History, k.Kind, k.Version, f.run.Release, f.run.Actor, f.run.ToolVersion),
			own("DELETE FROM shipsql.steps WHERE history = $1 AND kind IN ($2, 'undo') AND version = $3", k.History, k.Kind, k.Version),
		}
	}
	return append(all, f.companion()...)
}

// step writes the row of a step that runs alone, and those of the marks before it.
func (f file) step(s statement, state string, before observation) []statement {
	k := f.stepKey()
	return append(f.done(s.marks), own(`INSERT INTO shipsql.steps (history, kind, version, n, stmt_hash, state, pre) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (history, kind, version, n) DO UPDATE SET stmt_hash = excluded.stmt_hash, state = excluded.state, pre = excluded.pre`,
		k.History, k.Kind, k.Version, s.n, ledger.StepHash(s.Text), state, before.String()))
}

// done writes the rows of steps that share our transaction, and those of their
// marks, all at once: a part may have very many.
func (f file) done(statements []statement) []statement {
	var numbers []int32
	var hashes []string
	for _, s := range statements {
		for _, mark := range s.marks {
			numbers, hashes = append(numbers, int32(mark.n)), append(hashes, ledger.StepHash(mark.Text))
		}
		numbers, hashes = append(numbers, int32(s.n)), append(hashes, ledger.StepHash(s.Text))
	}
	if len(numbers) == 0 {
		return nil
	}
	k := f.stepKey()
	return []statement{own(`INSERT INTO shipsql.steps (history, kind, version, n, stmt_hash, state) SELECT $1, $2, $3, n, h, 'done' FROM unnest($4::int[], $5::text[]) x(n, h)
		ON CONFLICT (history, kind, version, n) DO UPDATE SET stmt_hash = excluded.stmt_hash, state = excluded.state`,
		k.History, k.Kind, k.Version, numbers, hashes)}
}

// forgotten removes the row of a step that left no trace. With the only step the
// migration is what it was before: pending, or there.
func (f file) forgotten(s statement) (all []statement) {
	for _, mark := range s.marks {
		all = append(all, f.forgotten(mark)...)
	}
	k := f.stepKey()
	all = append(all, own("DELETE FROM shipsql.steps WHERE history = $1 AND kind = $2 AND version = $3 AND n = $4", k.History, k.Kind, k.Version, s.n))
	if f.Undoing() {
		return append(all, restored(f.key()))
	}
	return append(all, own(`DELETE FROM shipsql.migrations m WHERE history = $1 AND kind = $2 AND version = $3
		AND NOT EXISTS (SELECT FROM shipsql.steps s WHERE (s.history, s.kind, s.version) = (m.history, m.kind, m.version))`,
		k.History, k.Kind, k.Version))
}

// restored gives a row the state from before its undo, if no step of that is
// left. What ran here has an end, what is a baseline has none.
func restored(k ledger.Place) statement {
	return own(`UPDATE shipsql.migrations m SET state = CASE WHEN finished_at IS NULL THEN 'baseline' ELSE 'applied' END
		WHERE history = $1 AND kind = $2 AND version = $3
		AND NOT EXISTS (SELECT FROM shipsql.steps s WHERE (s.history, s.kind, s.version) = (m.history, 'undo', m.version))`,
		k.History, k.Kind, k.Version)
}

// What marks, undos and files of several steps write isn't prepared.
const (
	insertSQL = `INSERT INTO shipsql.migrations (history, kind, version, name, checksum, state, release, actor, tool_version, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`
	finishSQL = `UPDATE shipsql.migrations SET state = 'applied', name = $4, checksum = $5, finished_at = clock_timestamp()
		WHERE history = $1 AND kind = $2 AND version = $3`
	undoneSQL = `UPDATE shipsql.migrations SET state = 'undone', release = $4, actor = $5, tool_version = $6, finished_at = clock_timestamp()
		WHERE history = $1 AND kind = $2 AND version = $3`
)
