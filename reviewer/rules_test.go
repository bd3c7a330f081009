package reviewer_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/reviewer"
)

// TestRules runs every rule's cases: testdata/rules/RULE.txtar holds an optional
// schema.sql, bad-….sql files that the rule must find something in, and
// good-….sql files that it must not. What it says is in RULE.golden.
func TestRules(t *testing.T) {
	for _, rule := range reviewer.IDs() {
		t.Run(rule, func(t *testing.T) {
			path := filepath.Join("testdata", "rules", rule+".txtar")
			if _, err := os.Stat(path); err != nil {
				if elsewhere[rule] {
					return
				}
				t.Fatalf("no cases: %v", err)
			}
			var text strings.Builder
			for _, c := range cases(t, path) {
				text.WriteString(checkCase(t, rule, c))
			}
			golden(t, filepath.Join("testdata", "rules", rule+".golden"), text.String())
		})
	}
}

// elsewhere are rules whose cases are no text: see TestUnreadableFiles and
// TestNotAnalysed.
var elsewhere = map[string]bool{"unreadable-file": true, "not-analysed": true}

type ruleCase struct {
	name   string
	schema []executor.File
	sql    string
}

func cases(t *testing.T, path string) []ruleCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []ruleCase
	var schema []executor.File
	for _, f := range archive.Files {
		if f.Name == "schema.sql" {
			schema = []executor.File{{Path: f.Name, Content: f.Data}}
			continue
		}
		all = append(all, ruleCase{f.Name, schema, string(f.Data)})
	}
	return all
}

// checkCase returns what the rule says about the case.
func checkCase(t *testing.T, rule string, c ruleCase) string {
	t.Helper()
	report := review(t, reviewer.Input{Schema: c.schema, Files: file(c.name, c.sql)})
	var text strings.Builder
	for _, f := range report.Files[0].Findings {
		if f.Rule != rule {
			continue
		}
		text.WriteString(findingText(c.name, f))
	}
	if bad := strings.HasPrefix(c.name, "bad-"); bad != (text.Len() > 0) {
		t.Errorf("%s: rule says %q", c.name, text.String())
	}
	return text.String()
}

func findingText(name string, f reviewer.Finding) string {
	f.Why = "" // the same every time; docs/rules.md has it
	report := reviewer.Report{Files: []reviewer.FileReport{{Path: name, Findings: []reviewer.Finding{f}}}}
	var text strings.Builder
	_ = report.WriteText(&text, false) // a Builder never fails
	said, _, _ := strings.Cut(text.String(), "\n0 files")
	if f.Suggestion != "" {
		said += "  replace the lines by:\n" + f.Suggestion + "\n"
	}
	return said + "\n"
}

func TestEveryCaseFileBelongsToARule(t *testing.T) {
	known := map[string]bool{}
	for _, id := range reviewer.IDs() {
		known[id] = true
	}
	files, _ := filepath.Glob("testdata/rules/*.txtar")
	for _, f := range files {
		if rule := strings.TrimSuffix(filepath.Base(f), ".txtar"); !known[rule] {
			t.Errorf("%s: no such rule", f)
		}
	}
}
