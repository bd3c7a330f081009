package reviewer_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/reviewer"
)

// TestSuggestionsWork puts every suggestion of the rules' cases in the place of
// the lines it replaces: the rule is content then, and a real server runs it.
func TestSuggestionsWork(t *testing.T) {
	conn := database(t, "")
	tried := 0
	for _, rule := range reviewer.IDs() {
		if elsewhere[rule] {
			continue
		}
		for _, c := range cases(t, filepath.Join("testdata", "rules", rule+".txtar")) {
			for _, f := range review(t, reviewer.Input{Schema: c.schema, Files: file(c.name, c.sql)}).Files[0].Findings {
				if f.Rule != rule || f.Suggestion == "" {
					continue
				}
				tried++
				t.Run(rule+"/"+c.name, func(t *testing.T) {
					fixed := replaceLines(c.sql, f)
					for _, left := range review(t, reviewer.Input{Schema: c.schema, Files: file(c.name, fixed)}).Files[0].Findings {
						if left.Rule == rule {
							t.Errorf("the rule still says %q about\n%s", left.Message, fixed)
						}
					}
					anew(t, conn, c)
					for _, st := range (script.Form{}).Split(fixed) {
						if _, err := conn.Exec(t.Context(), st.Text); err != nil {
							t.Errorf("%s: %v", st.Text, err)
						}
					}
				})
			}
		}
	}
	if tried < 10 {
		t.Errorf("only %d suggestions were tried", tried)
	}
}

// replaceLines is what a forge does with a suggestion.
func replaceLines(sql string, f reviewer.Finding) string {
	lines := strings.Split(sql, "\n")
	return strings.Join(append(append(lines[:f.Line-1:f.Line-1], f.Suggestion), lines[f.EndLine:]...), "\n")
}
