package mysql

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/internal/spool"
)

// runTogether runs the statement at i, and those after it that may, in one
// transaction with their steps, and returns their end. It returns i when that
// statement has to run alone.
func (f *file) runTogether(ctx context.Context, i int) (end int, err error) {
	end, err = f.tryGroup(ctx, i)
	switch {
	case err != nil:
		f.rollback(ctx)
		return end, err
	case end == i:
		_, err = f.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return end, f.explained(err)
	}
	f.opened()
	return end, f.theirs(ctx)
}

// tryGroup runs the transaction. After an error, or when the statement at i has to
// run alone, it is to be rolled back. While it begins, the second connection looks
// who takes part.
func (f *file) tryGroup(ctx context.Context, i int) (end int, err error) {
	begun := make(chan error, 1)
	go func() { begun <- f.enterGroup(context.WithoutCancel(ctx)) }()
	end, err = f.stretch(ctx, i)
	if refused := <-begun; err == nil {
		err = f.explained(refused)
	}
	if err != nil || end == i {
		return end, err
	}
	group := f.statements[i:end]
	if err := f.putRunning(context.WithoutCancel(ctx), group); err != nil {
		return end, f.explained(err)
	}
	if err := f.inside(ctx, group, end == len(f.statements)); err != nil {
		return end, err
	}
	_, err = f.ExecContext(context.WithoutCancel(ctx), "COMMIT")
	if number(err) != 0 {
		return end, f.failure(ctx, statement{}, err)
	}
	return end, f.explained(err) // of a broken connection only the ledger knows
}

// enterGroup begins the transaction, behind the fence.
func (f *file) enterGroup(ctx context.Context) error {
	if err := f.ours(ctx); err != nil {
		return err
	}
	if _, err := f.ExecContext(ctx, "START TRANSACTION"); err != nil {
		return err
	}
	if err := f.fence(ctx, f.connection); err != nil {
		return err
	}
	_, err := f.write(ctx, f.opening()...)
	return err
}

// putRunning writes the steps of a group. They run from its beginning: if one of the
// statements commits behind our back, that is seen by whoever comes next, and else
// nothing is.
func (f *file) putRunning(ctx context.Context, group []statement) error {
	for n := range group {
		group[n].before = observation{Rows: true}
	}
	for some := range slices.Chunk(group, stepsAtOnce) {
		if _, err := f.write(ctx, f.putSteps(ledger.StepRunning, some)); err != nil {
			return err
		}
	}
	return f.theirs(ctx)
}

// write sends our own statements one by one, in the session's transaction, and
// returns how many rows the last one changed.
func (s *session) write(ctx context.Context, statements ...executor.Query) (changed int64, err error) {
	for _, q := range statements {
		if changed, err = s.do(ctx, q.SQL, q.Args...); err != nil {
			return 0, err
		}
	}
	return changed, nil
}

// inside does what stands between the beginning of the transaction and COMMIT.
func (f *file) inside(ctx context.Context, group []statement, last bool) error {
	for _, s := range group {
		f.step(s, executor.EventRunning, 0)
		f.left.leaves(s)
		touched, err := f.execute(ctx, s.Text, f.limitOf(s))
		spool.Passed(s.Text)
		if err != nil {
			return f.failure(ctx, s, err)
		}
		if s.mixes {
			f.mixed = append(f.mixed, s)
		}
		f.step(s, executor.EventDone, touched)
	}
	if err := f.ours(ctx); err != nil {
		return err
	}
	if slices.ContainsFunc(group, func(s statement) bool { return s.reaches }) { // a trigger may have given the lock up
		if err := f.held(ctx); err != nil {
			return err
		}
	}
	moved, err := f.write(ctx, f.move(group, observation{}))
	switch {
	case err != nil:
		return f.explained(err)
	case moved != int64(len(group)):
		return f.tampered(ctx, f.connection)
	case !last:
		return nil
	}
	if _, err := f.write(ctx, f.finished()...); err != nil {
		return f.explained(err)
	}
	return f.accompany(ctx, f.companion())
}

// place is how a table keeps rows.
type place int

const (
	unknownPlace   place = iota
	transactional        // InnoDB, and nothing else hangs on it
	perhapsOutside       // a view, or a table with triggers: others may be written too
	outside              // not InnoDB
)

// innerTables remembers what was seen until a statement changes the schema.
type innerTables struct {
	tables map[catalog.Name]place
	others *bool // there are tables that no transaction covers
}

// transactional says that all that a statement writes is covered by a
// transaction, as far as the catalog tells, and notes whether it reaches further
// than the tables that it names.
func (f *file) transactional(ctx context.Context, s *statement) (bool, error) {
	s.reaches = slices.ContainsFunc(s.parsed.Functions, func(name string) bool { return f.stored[name] })
	for _, o := range s.parsed.Objects {
		if s.way != rows || o.Use == syntax.Calls {
			continue
		}
		p, err := f.placeOf(ctx, o.Name)
		if err != nil {
			return false, err
		}
		if p == unknownPlace || p == outside && o.Use == syntax.Writes {
			return false, nil
		}
		s.reaches = s.reaches || p == perhapsOutside
	}
	if !s.reaches {
		return true, nil
	}
	others, err := f.outsideTables(ctx)
	return !others, err
}

// placeOf looks a table up.
func (f *file) placeOf(ctx context.Context, name catalog.Name) (place, error) {
	if p, seen := f.inner.tables[name]; seen {
		return p, nil
	}
	c, err := f.beside(ctx)
	if err != nil {
		return 0, err
	}
	p, err := c.placeOf(ctx, name)
	if err != nil {
		return 0, c.explained(err)
	}
	if f.inner.tables == nil {
		f.inner.tables = map[catalog.Name]place{}
	}
	f.inner.tables[name] = p
	return p, nil
}

func (c *connection) placeOf(ctx context.Context, name catalog.Name) (place, error) {
	schema := orDefault(name.Schema, c.database)
	var engine, kind string
	var triggers int
	// As text: to a prepared statement MariaDB shows the triggers of all tables.
	err := c.QueryRowContext(ctx, `SELECT COALESCE(ENGINE, ''), TABLE_TYPE,
			(SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?)
		FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?`, schema, name.Name, schema, name.Name).Scan(&engine, &kind, &triggers)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return unknownPlace, nil
	case err != nil:
		return unknownPlace, err
	case kind == "VIEW", strings.EqualFold(engine, "InnoDB") && triggers > 0:
		return perhapsOutside, nil
	case strings.EqualFold(engine, "InnoDB"):
		return transactional, nil
	}
	return outside, nil
}

// outsideTables says that somewhere on the server there is a table which a
// trigger, view or function might write, and no transaction covers.
func (f *file) outsideTables(ctx context.Context) (bool, error) {
	if f.inner.others != nil {
		return *f.inner.others, nil
	}
	c, err := f.beside(ctx)
	if err != nil {
		return false, err
	}
	var others bool
	err = c.QueryRowContext(ctx, `SELECT EXISTS (SELECT * FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE <> 'InnoDB'
		AND TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema'))`).Scan(&others)
	f.inner.others = &others
	return others, c.explained(err)
}
