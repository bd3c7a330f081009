package reviewer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/reviewer"
)

func TestLoadPolicy(t *testing.T) {
	got, err := reviewer.LoadPolicy([]byte(`
rules:
  drop-table: warning
  rename-column: off
self_suppressible: [drop-column]
suppress:
  - files: ["migrations/2019*", old/**]
    rules: [table-without-primary-key]
    reason: before we had rules
  - files: legacy/*.sql
`))
	want := reviewer.Policy{
		Rules:            map[string]reviewer.Severity{"drop-table": "warning", "rename-column": "off"},
		SelfSuppressible: []string{"drop-column"},
		Suppress: []reviewer.Suppression{
			{Files: []string{"migrations/2019*", "old/**"}, Rules: []string{"table-without-primary-key"}, Reason: "before we had rules"},
			{Files: []string{"legacy/*.sql"}},
		},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n"} {
		if got, err := reviewer.LoadPolicy([]byte(empty)); err != nil || got.Rules != nil {
			t.Errorf("%q: %+v, %v", empty, got, err)
		}
	}
}

func TestLoadPolicySaysAllThatIsWrong(t *testing.T) {
	_, err := reviewer.LoadPolicy([]byte(`rule:
  drop-table: warning
rules:
  drop-tabel: warning
  drop-column: waring
  drop-table: [error]
self_suppressible: [nothing-like-it]
suppress:
  - file: x
    rules: [drop-table]
  - files: ["[x"]
naming: {}
naming: {}
`))
	want := `1:1: unknown key "rule"; did you mean rules?
4:3: there is no rule "drop-tabel"; did you mean drop-table?
5:16: "waring" is no severity; did you mean warning?
6:15: "" is no severity; use one of off, notice, warning, error
7:21: there is no rule "nothing-like-it"; the rules are listed in docs/rules.md
9:5: unknown key "file"; did you mean files?
9:5: a suppression needs files; write files: ["old/*"]
11:13: "[x" is no pattern for files; use * for a part of a name and ** for folders
11:5: a suppression needs files; write files: ["old/*"]
12:1: naming is not supported yet; take it out
13:1: "naming" is given twice; keep one of them`
	if err == nil || fault.CodeOf(err) != fault.Invalid {
		t.Fatalf("got %v", err)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestLoadPolicyRefusesWhatIsNoPolicy(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML": "rules: [", "a list": "- a", "a word": "off", "two documents": "rules: {}\n---\nrules: {}\n",
		"huge": strings.Repeat("# x\n", 1<<19), "bomb": "a: &a [1,1]\nrules: *a\n", "suppress": "suppress: x", "rules": "rules: [drop-table]",
	} {
		if _, err := reviewer.LoadPolicy([]byte(text)); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLoadPolicy(f *testing.F) {
	for _, seed := range []string{"rules: {drop-table: off}", "suppress: [{files: [a]}]", "a: &a [*a]", "\xff", "? [x]\n: y", "rules: !!binary x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := reviewer.LoadPolicy([]byte(text)); err != nil && fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%v", err)
		}
	})
}
