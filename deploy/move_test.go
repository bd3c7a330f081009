package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

func TestAMovedRepositoryTakesEverythingAlong(t *testing.T) {
	const to = "github.com/acme/sales"
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	move := func(from string) error {
		return h.db.Tx(h.ctx, func(tx *store.Tx) error { return h.service.MoveRepository(h.ctx, tx, from, to) })
	}
	if _, err := h.db.Exec(h.ctx, `UPDATE deploy_tasks SET state = 'running' WHERE release = $1`, r.ID); err != nil {
		t.Fatal(err)
	}
	if err := move(repository); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("while a task runs: %v", err)
	}
	if _, err := h.db.Exec(h.ctx, `UPDATE deploy_tasks SET state = 'done' WHERE release = $1`, r.ID); err != nil {
		t.Fatal(err)
	}
	h.must(move(strings.ToUpper(repository)))
	h.must(h.service.VerifyAudit(h.ctx))
	for _, column := range projectColumns(t) {
		var left int
		h.must(h.db.QueryRow(h.ctx, `SELECT count(*) FROM `+column[0]+` WHERE `+column[1]+` LIKE $1`, repository+"%").Scan(&left))
		if left > 0 {
			t.Errorf("%d rows of %s.%s keep the old name", left, column[0], column[1])
		}
	}
	h.config.Projects[0].Repository = to
	moved := h.newService(h.newQueue())
	cursor, ok, err := moved.Cursor(h.ctx, h.config.Projects[0].ID())
	if err != nil || !ok || cursor != r.MergeCommit {
		t.Errorf("cursor %q %t %v", cursor, ok, err)
	}
	rollouts, err := moved.RolloutsOfPR(h.ctx, to, r.PullRequest)
	if err != nil || len(rollouts) != 1 || rollouts[0].Release.ID != r.ID {
		t.Errorf("rollouts %+v, %v", rollouts, err)
	}
	if err := move(repository); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("over releases that are there: %v", err)
	}
}

// projectColumns are the columns of the schema that hold a project or a
// repository, but for the audit's, which is never changed.
func projectColumns(t *testing.T) [][2]string {
	t.Helper()
	files, err := filepath.Glob("schema/*.sql")
	must(t, err)
	found := [][2]string{{"deploy_projects", "id"}}
	table := ""
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			switch {
			case len(words) > 2 && words[0] == "CREATE" && words[1] == "TABLE":
				table = words[2]
			case len(words) > 1 && (words[0] == "project" || words[0] == "repository") && table != "deploy_audit":
				found = append(found, [2]string{table, words[0]})
			}
		}
	}
	if len(found) < 9 {
		t.Errorf("found only %v", found)
	}
	return found
}
