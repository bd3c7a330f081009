package layout_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
)

var update = flag.Bool("update", false, "write the golden listings anew")

const template = "{{ENV_ID}}/{{DB_NAME}}##{{VERSION}}##{{TYPE}}##{{DESCRIPTION}}.sql"

// golden are the repositories of testdata and the layout that reads them; only
// those of Bytebase can't be detected.
var golden = map[string]layout.Options{
	"native": {}, "flyway": {}, "golang-migrate": {}, "goose": {}, "dbmate": {}, "liquibase-sql": {}, "atlas": {}, "prisma": {}, "sqlx": {},
	"bytebase": {Name: layout.Bytebase}, "bytebase-template": {Name: layout.Bytebase, Template: template},
}

func goldenFiles(t *testing.T, name string) []executor.File {
	t.Helper()
	files, err := layout.ReadDir(os.DirFS("testdata"), name)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestGoldenRepositories(t *testing.T) {
	for name, o := range golden {
		t.Run(name, func(t *testing.T) {
			o.Dir = name
			folder, err := layout.Load(goldenFiles(t, name), o)
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimSuffix(name, "-template"); folder.Layout != want {
				t.Errorf("the layout is %s, want %s", folder.Layout, want)
			}
			compare(t, filepath.Join("testdata", name+".golden"), listing(folder))
		})
	}
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run go test -update where this is right\n%s", diff)
	}
}

// listing is what was read, in the order in which it runs, with the first line of
// each statement.
func listing(f layout.Folder) string {
	var b strings.Builder
	if f.Why != "" {
		fmt.Fprintf(&b, "detected %s: %s\n", f.Layout, f.Why)
	}
	for _, m := range f.Migrations {
		fmt.Fprintf(&b, "\n%s %s %q %s\n  path %s\n  checksum %.16s\n", m.Kind, m.Version, m.Name, m.Change, m.Path, m.Checksum)
		if m.Target != (executor.Destination{}) {
			fmt.Fprintf(&b, "  only %s/%s\n", m.Target.Environment, m.Target.Database)
		}
		if m.NoTransaction {
			b.WriteString("  outside of a transaction\n")
		}
		if m.Down != "" {
			fmt.Fprintf(&b, "  down %q\n", m.Down)
		}
		for _, s := range m.Statements() {
			first, _, _ := strings.Cut(s.Text, "\n")
			fmt.Fprintf(&b, "  %d-%d %s\n", s.Line, s.EndLine, first)
		}
	}
	return b.String()
}
