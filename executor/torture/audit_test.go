package torture_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
)

// audit kills all workers at once and compares the target with its ledger, before
// any of them goes on.
func (g *game) audit(ctx context.Context) error {
	g.starting.Lock()
	defer g.starting.Unlock()
	g.calm.Lock()
	defer g.calm.Unlock()
	for name, l := range g.alive() {
		if l.kill() {
			g.tally.add(killCount, 1)
			g.history.note("SIGKILL of %s, for an audit", name)
		}
		<-l.ended
	}
	db, err := g.settled(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := g.place(ctx, db)
	if err != nil {
		return err
	}
	now, err := g.product.reality(db)
	if err != nil {
		return err
	}
	g.tally.add("audits", 1)
	g.history.note("AUDIT: %d statements are done, %d under way", p.done, p.intents)
	return g.matches(ctx, db, p, now)
}

func (g *game) alive() map[string]*life {
	g.mu.Lock()
	defer g.mu.Unlock()
	return maps.Clone(g.lives)
}

// settled opens the target once the server is through with everybody else's
// sessions: what a killed worker began is over.
func (g *game) settled(ctx context.Context) (*sql.DB, error) {
	db, err := g.product.connect(g.server.URL(g.target))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // or it would count itself
	deadline := time.Now().Add(30 * time.Second)
	for {
		var others int
		err := db.QueryRowContext(ctx, g.product.others).Scan(&others)
		switch {
		case err == nil && others == 0:
			return db, nil
		case time.Now().After(deadline):
			return nil, errors.Join(fmt.Errorf("%d sessions of killed workers live on", others), err, db.Close())
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
}

// place is how far the ledger says the folder is.
type place struct {
	done    int // statements of the story, from its beginning
	intents int // statements behind them that were under way
}

// place reads the ledger past the engine.
func (g *game) place(ctx context.Context, db *sql.DB) (p place, err error) {
	var exists int
	if err := db.QueryRowContext(ctx, g.product.ledger.exists).Scan(&exists); err != nil || exists == 0 {
		return place{}, err
	}
	rows, err := g.rows(ctx, db)
	if err != nil {
		return place{}, err
	}
	steps, err := g.steps(ctx, db)
	if err != nil {
		return place{}, err
	}
	for len(rows) > 0 && rows[len(rows)-1].state == string(executor.StateUndone) {
		rows = rows[:len(rows)-1] // pending again
	}
	if len(rows) > len(g.story.files) {
		return place{}, fmt.Errorf("the ledger has %d rows for %d files", len(rows), len(g.story.files))
	}
	for i, row := range rows {
		f := g.story.files[i]
		if row.version != f.migration.Version || row.checksum != f.migration.Checksum {
			return place{}, fmt.Errorf("row %d of the ledger is %+v, the file is %s %s", i, row, f.migration.Version, f.migration.Checksum)
		}
		done, intents, err := f.progress(row, steps[row.version])
		if err != nil {
			return place{}, err
		}
		if i < len(rows)-1 && done < f.count {
			return place{}, fmt.Errorf("version %s isn't done and the ledger has later ones", row.version)
		}
		p = place{f.first + done, intents}
	}
	return p, nil
}

// row is a row of the ledger.
type row struct {
	version, checksum, state string
	finished                 bool
}

func (g *game) rows(ctx context.Context, db *sql.DB) (all []row, err error) {
	rows, err := db.QueryContext(ctx, g.product.ledger.rows)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.version, &r.checksum, &r.state, &r.finished); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// step is a row of the ledger's steps.
type step struct {
	n     int
	state string
}

func (g *game) steps(ctx context.Context, db *sql.DB) (map[string][]step, error) {
	rows, err := db.QueryContext(ctx, g.product.ledger.steps)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string][]step{}
	for rows.Next() {
		var version string
		var s step
		if err := rows.Scan(&version, &s.n, &s.state); err != nil {
			return nil, err
		}
		all[version] = append(all[version], s)
	}
	return all, rows.Err()
}

// progress is how far the ledger says a file is.
func (f *file) progress(r row, steps []step) (done, intents int, err error) {
	for i, s := range steps {
		switch {
		case s.n != i+1 || s.n > f.count || s.state == "done" && intents > 0:
			return 0, 0, fmt.Errorf("version %s of %d statements has the steps %v", r.version, f.count, steps)
		case s.state == "done":
			done++
		default:
			intents++
		}
	}
	switch {
	case r.state == string(executor.StateApplied) && r.finished && intents == 0 && (done == f.count || len(steps) == 0):
		return f.count, 0, nil
	case r.state == string(executor.StatePartial), r.state == string(executor.StateAmbiguous):
		return done, intents, nil
	}
	return 0, 0, fmt.Errorf("version %s of %d statements is %+v with the steps %v", r.version, f.count, r, steps)
}

// matches says whether reality is what the ledger allows.
func (g *game) matches(ctx context.Context, db *sql.DB, p place, now string) error {
	if p.intents > 0 {
		now = g.story.statements[p.done].withoutRemains(now)
	}
	for i := p.done; i <= p.done+p.intents; i++ {
		if g.reference[i] == now {
			return nil
		}
	}
	if p.intents > 0 && len(g.story.statements[p.done].Parts) > 0 {
		begun, err := partsDone(ctx, db, g.story.statements[p.done])
		if err != nil || begun > 0 {
			return err // cut in its middle
		}
	}
	return fmt.Errorf("the ledger says that %d statements are done and %d under way; the target differs from the reference after the last one done (+ is the target):\n%s",
		p.done, p.intents, difference(g.reference[p.done], now))
}

// withoutRemains takes out of reality what a CONCURRENTLY leaves when it is cut:
// PostgreSQL's documentation promises INVALID indexes and partitions that are
// about to leave. The next run has to do away with them.
func (s statement) withoutRemains(reality string) string {
	if !strings.Contains(s.SQL, "CONCURRENTLY") {
		return reality
	}
	lines := slices.DeleteFunc(strings.Split(reality, "\n"), func(line string) bool { return strings.HasSuffix(line, "valid f") })
	return strings.ReplaceAll(strings.Join(lines, "\n"), "leaving t", "leaving f")
}

func partsDone(ctx context.Context, db *sql.DB, s statement) (int, error) {
	for i, effect := range s.Parts {
		var done int
		if err := db.QueryRowContext(ctx, effect.Done).Scan(&done); err != nil || done == 0 {
			return i, err
		}
	}
	return len(s.Parts), nil
}

func difference(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}

// judge compares the end of a folder with what it has to be.
func (g *game) judge(ctx context.Context) error {
	db, err := g.settled(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	now, err := g.product.reality(db)
	if err != nil {
		return err
	}
	if want := g.reference[len(g.reference)-1]; now != want {
		return fmt.Errorf("the target is not what the reference is (+ is the target):\n%s", difference(want, now))
	}
	p, err := g.place(ctx, db)
	if err != nil || p != (place{done: len(g.story.statements)}) {
		return errors.Join(fmt.Errorf("the ledger says %+v of %d statements", p, len(g.story.statements)), err)
	}
	return errors.Join(g.judgeStatus(ctx), g.judgeRest(ctx, db))
}

// judgeStatus asks the engine itself.
func (g *game) judgeStatus(ctx context.Context) error {
	entries, err := g.product.open(g.server.URL(g.target)).Status(ctx, "", g.story.migrations())
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.State != executor.StateApplied || e.Done != e.Total {
			return fmt.Errorf("the engine says that %s is %s, %d of %d done", e.Path, e.State, e.Done, e.Total)
		}
	}
	if len(entries) != len(g.story.files) {
		return fmt.Errorf("the engine knows %d of %d files", len(entries), len(g.story.files))
	}
	return nil
}

// judgeRest looks for what an engine may have left behind beside the target.
func (g *game) judgeRest(ctx context.Context, db *sql.DB) error {
	left, err := list(ctx, db, g.product.remains)
	if err == nil && len(left) > 0 {
		return fmt.Errorf("left behind: %v", left)
	}
	return err
}
