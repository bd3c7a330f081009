package layout_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/spool"
)

// swollen is a text with a megabyte of comments behind each of its lines that end
// a statement, in which characters of several bytes lie across all boundaries.
func swollen(text string) string {
	padding := strings.Repeat("-- größer als ein Fenster: äöü€😀 'x /* ;\n", 1<<14)
	return strings.ReplaceAll(text, ";\n", ";\n"+padding)
}

// A file from a spool is the same migration as one in memory, in every layout: its
// checksum, its statements and their lines.
func TestASpooledFolderIsTheSame(t *testing.T) {
	for name, o := range golden {
		if name == "atlas" { // its sums would not hold
			continue
		}
		t.Run(name, func(t *testing.T) {
			o.Dir = name
			inMemory := goldenFiles(t, name)
			for i, f := range inMemory {
				if layout.IsSQL(f.Path) {
					inMemory[i].Content = []byte(swollen(string(f.Content)))
				}
			}
			spooled := append([]executor.File(nil), inMemory...)
			for i, f := range spooled {
				if !layout.IsSQL(f.Path) {
					continue
				}
				content, err := spool.Read(bytes.NewReader(f.Content))
				if err != nil {
					t.Fatal(err)
				}
				spooled[i].Content, spooled[i].Spooled = content, true
			}
			want, wantErr := layout.Load(inMemory, o)
			got, err := layout.Load(spooled, o)
			if err != nil || wantErr != nil {
				t.Fatal(err, wantErr)
			}
			if diff := cmp.Diff(listing(want), listing(got)); diff != "" {
				t.Error(diff)
			}
			small, err := layout.Load(goldenFiles(t, name), o)
			if err != nil || len(small.Migrations) != len(got.Migrations) {
				t.Fatalf("%d migrations, %d without comments, %v", len(got.Migrations), len(small.Migrations), err)
			}
			for i, m := range got.Migrations {
				if a, b := len(m.Statements()), len(small.Migrations[i].Statements()); a != b {
					t.Errorf("%s: %d statements, %d without comments", m.Path, a, b)
				}
			}
		})
	}
}

// FuzzLayouts has every layout read a file: what it makes of it has the file's
// lines.
func FuzzLayouts(f *testing.F) {
	for name := range golden {
		files, err := layout.ReadDir(os.DirFS("testdata"), name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			f.Add(file.Path, file.Content)
		}
	}
	f.Fuzz(func(t *testing.T, path string, content []byte) {
		for _, name := range layout.Names() {
			for _, dialect := range []script.Dialect{script.Postgres, script.MySQL} {
				folder, _ := layout.Load([]executor.File{{Path: path, Content: content}}, layout.Options{Name: name, Dialect: dialect})
				for _, m := range folder.Migrations {
					for _, s := range append(m.Statements(), m.Form.Split(m.Down)...) {
						if lines := bytes.Count(content, []byte("\n")) + 1; s.EndLine > lines {
							t.Errorf("%s: a statement in line %d of %d", name, s.EndLine, lines)
						}
					}
				}
			}
		}
	})
}
