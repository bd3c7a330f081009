package torture_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// pair is a file's up part and what takes it back, neither of which bears to run
// twice. $N is the file's number.
type pair struct{ up, down []string }

// pairs are told on every product; concurrently is PostgreSQL's.
var (
	pairs = []pair{
		{[]string{"UPDATE tally SET n = n + $N WHERE id = 1", "UPDATE tally SET n = n + 1 WHERE id = 2"},
			[]string{"UPDATE tally SET n = n - 1 WHERE id = 2", "UPDATE tally SET n = n - $N WHERE id = 1"}},
		{[]string{"CREATE TABLE made_$N (a int)", "INSERT INTO made_$N VALUES (1)", "UPDATE tally SET n = n + $N WHERE id = 3"},
			[]string{"UPDATE tally SET n = n - $N WHERE id = 3", "DROP TABLE made_$N"}},
		{[]string{"ALTER TABLE tally ADD COLUMN c_$N int DEFAULT 3", "UPDATE tally SET c_$N = c_$N + id", "UPDATE tally SET n = n + $N WHERE id = 4"},
			[]string{"ALTER TABLE tally DROP COLUMN c_$N", "UPDATE tally SET n = n - $N WHERE id = 4"}},
		{[]string{"CREATE VIEW seen_$N AS SELECT id FROM tally", "UPDATE tally SET n = n + $N WHERE id = 5"},
			[]string{"UPDATE tally SET n = n - $N WHERE id = 5", "DROP VIEW seen_$N"}},
	}
	concurrently = pair{[]string{"CREATE INDEX CONCURRENTLY tally_$N ON tally (n)", "UPDATE tally SET n = n + $N WHERE id = 6"},
		[]string{"DROP INDEX CONCURRENTLY tally_$N", "UPDATE tally SET n = n - $N WHERE id = 6"}}
)

// thereAndBack tells a story whose files but the first have a way back.
func (t *teller) thereAndBack() *story {
	s := &story{wayBack: true, files: []file{{}}}
	s.add(one("CREATE TABLE", "CREATE TABLE tally (id int PRIMARY KEY, n bigint NOT NULL)"))
	s.add(one("INSERT", counters()))
	for n := 2; n < 14; n++ {
		told := t.product.pairs[t.dice.IntN(len(t.product.pairs))]
		number := strings.NewReplacer("$N", fmt.Sprint(n))
		s.files = append(s.files, file{first: len(s.statements)})
		for _, sql := range told.up {
			s.add(one("of a file with a way back", number.Replace(sql)))
		}
		for _, sql := range told.down {
			s.files[n-1].migration.Down += statement{SQL: number.Replace(sql)}.marked() + ";\n"
		}
	}
	for i := range s.files {
		s.files[i].finish(i+1, t.product)
	}
	return s
}

func undoFile(dir string) string { return filepath.Join(dir, "undo.json") }

// undo lets the workers race to take all files but the first back, and then to
// apply them again.
func (g *game) undo(ctx context.Context) error {
	if err := writeJSON(undoFile(g.dir), g.story.migrations()[1:]); err != nil {
		return err
	}
	g.undoing.Store(true)
	g.history.note("UNDO")
	if err := g.run(ctx, role{Folder: undoFile(g.dir), Undo: true}); err != nil {
		return err
	}
	if err := g.judgeUndone(ctx); err != nil {
		return err
	}
	g.undoing.Store(false)
	g.tally.add("folders undone and applied again", 1)
	if err := g.run(ctx, role{Folder: folderFile(g.dir)}); err != nil {
		return err
	}
	return g.judge(ctx)
}

// judgeUndone wants the target as it was after the first file.
func (g *game) judgeUndone(ctx context.Context) error {
	db, err := g.settled(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	now, err := g.product.reality(db)
	if err != nil {
		return err
	}
	if want := g.reference[g.story.files[0].count]; now != want {
		return fmt.Errorf("undone, the target is not what it was (+ is the target):\n%s", difference(want, now))
	}
	rows, err := g.rows(ctx, db)
	if err != nil || len(rows) != len(g.story.files) {
		return errors.Join(fmt.Errorf("the ledger has %d rows for %d files", len(rows), len(g.story.files)), err)
	}
	for i, r := range rows {
		want := executor.StateUndone
		if i == 0 {
			want = executor.StateApplied
		}
		if r.state != string(want) {
			return fmt.Errorf("row %+v should be %s", r, want)
		}
	}
	return nil
}
