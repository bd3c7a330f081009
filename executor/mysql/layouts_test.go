package mysql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/script"
)

// folder reads "path", text, "path", text … as a detected layout.
func folder(t *testing.T, pairs ...string) layout.Folder {
	t.Helper()
	var files []executor.File
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, executor.File{Path: pairs[i], Content: []byte(pairs[i+1])})
	}
	f, err := layout.Load(files, layout.Options{Dialect: script.MySQL})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ran applies a folder; it returns what was not there before.
func (b *bench) ran(f layout.Folder) string {
	b.t.Helper()
	result, err := b.Apply(b.t.Context(), executor.Run{Migrations: f.Migrations, Limits: quick})
	if err != nil {
		b.t.Fatal(explain(err))
	}
	var versions []string
	for _, o := range result.Outcomes {
		if o.Kind == executor.Applied {
			versions = append(versions, o.Version)
		}
	}
	return strings.Join(versions, " ")
}

func (b *bench) expectRuns(what, want string, f layout.Folder) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.ran(f)); diff != "" {
		b.t.Errorf("%s: %s", what, diff)
	}
}

func TestAGooseFolderFromEmptyAndAgain(t *testing.T) {
	t.Parallel()
	f := folder(t,
		"00001_users.sql", "-- +goose Up\nCREATE TABLE users (id bigint PRIMARY KEY, n int NOT NULL DEFAULT 0);\n-- +goose Down\nDROP TABLE users;\n",
		"00002_trigger.sql", `-- +goose Up
-- +goose StatementBegin
CREATE TRIGGER counted BEFORE INSERT ON users FOR EACH ROW
BEGIN
	SET NEW.n = NEW.n + 1;
	SET NEW.n = NEW.n + 1;
END;
-- +goose StatementEnd
-- +goose Down
DROP TRIGGER counted;
`,
		"00010_fill.sql", "-- +goose NO TRANSACTION\n-- +goose Up\nINSERT INTO users (id) VALUES (1);\n")
	b := newBench(t)
	b.expectRuns("from empty", "00001 00002 00010", f)
	b.expectRuns("again", "", f)
	var n int
	if err := b.DB.QueryRowContext(t.Context(), "SELECT n FROM users").Scan(&n); err != nil || n != 2 {
		t.Errorf("n = %d, %v", n, err)
	}
}
