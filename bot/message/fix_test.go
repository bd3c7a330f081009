package message_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/bot/message"
)

func TestAdviceTellsWordsFromSQL(t *testing.T) {
	for name, c := range map[string]struct {
		fix, suggestion string
		want            message.Advice
	}{
		"none":                   {"", "", message.Advice{}},
		"words":                  {"Correct the statement.", "", message.Advice{Words: "Correct the statement."}},
		"words with SQL":         {"Say which rows: DELETE FROM t WHERE …;", "", message.Advice{Words: "Say which rows: DELETE FROM t WHERE …;"}},
		"the suggestion":         {"DROP INDEX CONCURRENTLY i;", "DROP INDEX CONCURRENTLY i;\n", message.Advice{SQL: "DROP INDEX CONCURRENTLY i;\n"}},
		"one statement":          {"ALTER TABLE t ADD COLUMN c int;", "", message.Advice{SQL: "ALTER TABLE t ADD COLUMN c int;"}},
		"statements":             {"ALTER TABLE t …;\n-- later:\nALTER TABLE t …;", "", message.Advice{SQL: "ALTER TABLE t …;\n-- later:\nALTER TABLE t …;"}},
		"both":                   {"Then:\nALTER TABLE t …;", "", message.Advice{Words: "Then:", SQL: "ALTER TABLE t …;"}},
		"words and a suggestion": {"Use a smaller one.", "SELECT 1;", message.Advice{Words: "Use a smaller one.", SQL: "SELECT 1;"}},
	} {
		got := message.Finding{Fix: c.fix, Suggestion: c.suggestion}.Advice()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
