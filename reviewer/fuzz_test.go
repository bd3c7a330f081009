package reviewer_test

import (
	"context"
	"path/filepath"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/shipsql/shipsql/reviewer"
)

// FuzzReview: no text makes a review fail, and what it says has a place in the
// text.
func FuzzReview(f *testing.F) {
	files, _ := filepath.Glob("testdata/rules/*.txtar")
	for _, path := range append(files, "testdata/effects.txtar") {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, c := range archive.Files {
			f.Add(string(c.Data))
		}
	}
	f.Add("\xff\xfe")
	f.Add("ALTER TABLE t ADD CHECK ()")
	r := reviewer.New(parser)
	f.Fuzz(func(t *testing.T, sql string) {
		report, err := r.Review(context.Background(), reviewer.Input{Files: file("1.sql", sql)})
		if err != nil {
			t.Fatal(err)
		}
		lines := 1
		for i := range len(sql) {
			if sql[i] == '\n' {
				lines++
			}
		}
		for _, finding := range report.Files[0].Findings {
			if finding.Line < 1 || finding.EndLine < finding.Line || finding.EndLine > lines || finding.Column < 1 || finding.Message == "" {
				t.Errorf("finding %+v in %d lines", finding, lines)
			}
			if utf8.ValidString(sql) && !utf8.ValidString(finding.Message+finding.Fix+finding.Suggestion) {
				t.Errorf("finding %+v broke a character", finding)
			}
		}
	})
}
