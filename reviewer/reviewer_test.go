package reviewer_test

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/reviewer"
)

var update = flag.Bool("update", false, "write the golden files and pages anew")

var parser *syntax.Parser

func TestMain(m *testing.M) {
	syntax.MaybeWorker()
	parser = newParser()
	code := m.Run()
	_ = parser.Close()
	os.Exit(code)
}

func newParser() *syntax.Parser { return syntax.NewParser(syntax.Options{}) }

func review(t testing.TB, in reviewer.Input) reviewer.Report {
	t.Helper()
	report, err := reviewer.New(parser).Review(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// file makes a file of a review.
func file(path, sql string) []executor.File {
	return []executor.File{{Path: path, Content: []byte(sql)}}
}

// reviewSQL reviews one file and returns its findings.
func reviewSQL(t testing.TB, in reviewer.Input, sql string) []reviewer.Finding {
	t.Helper()
	in.Files = file("migrations/1_a.sql", sql)
	return review(t, in).Files[0].Findings
}

// golden compares with a file, or writes it.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what it was; run with -update if it is meant:\n%s", path, diff)
	}
}
