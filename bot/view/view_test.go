package view_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/bot/view"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/reviewer"
)

var github = message.Forge{Prefix: "/", Limit: 65536}

// state is an open pull request with one project; change says what is different.
func state(change func(s *view.State, p *view.Project)) view.State {
	s := view.State{Forge: github, Number: 42, Head: "abc1234def", Open: true, Pages: "https://x.example"}
	p := view.Project{
		Config: deploy.Project{Repository: "github.com/acme/orders", Branch: "main", Path: "migrations"},
		Stages: []view.Planned{{Environment: "test", Databases: 1}, {Environment: "prod", Databases: 2}},
		Review: &view.Review{Head: s.Head, Touched: true, Migrations: 1},
	}
	change(&s, &p)
	s.Projects = []view.Project{p}
	return s
}

// merged is a pull request whose release stands as the stages say.
func merged(rollout deploy.State, stages ...deploy.Stage) view.State {
	return state(func(s *view.State, p *view.Project) {
		s.Open, s.Merged = false, true
		p.Rollout = &deploy.Rollout{State: rollout, Stages: stages, Release: deploy.Release{ID: "01J", Seq: 8, Title: "Add orders", Hash: "0123456789abcdef"}}
	})
}

func found(severity reviewer.Severity, waived string) reviewer.Report {
	return reviewer.Report{Files: []reviewer.FileReport{{Path: "migrations/1_a.sql", Findings: []reviewer.Finding{
		{Rule: "drop-table", Severity: severity, Line: 3, EndLine: 4, Message: "drops", Waived: waived, Fingerprint: "f", Suggestion: "SELECT 1;"},
	}}}, Summary: reviewer.Summary{Warnings: 1}}
}

func headline(s view.State) string {
	line, _, _ := strings.Cut(strings.SplitN(view.Sticky(s), "\n", 2)[1], "\n")
	return strings.TrimPrefix(line, "### ")
}

func TestTheHeadlineSaysTheOneThing(t *testing.T) {
	waiting := deploy.Stage{Environment: "prod", State: deploy.Waiting, Reasons: []deploy.Reason{{Code: deploy.GateApprovals, Text: "0 of 1 approval"}}}
	for want, s := range map[string]view.State{
		"✅ no database changes": state(func(_ *view.State, p *view.Project) { p.Review.Touched = false }),
		"❌ 1 blocking finding in 1 file": state(func(_ *view.State, p *view.Project) {
			p.Review.Report = found(reviewer.Error, "")
		}),
		"❌ 1 blocking finding in 1 file ": state(func(_ *view.State, p *view.Project) {
			p.Review.Problems = []view.Problem{{Path: "migrations/1_a.sql", Text: "empty"}}
		}),
		"⚠️ ready to merge with 1 remark: 1 migration, 0 statements": state(func(_ *view.State, p *view.Project) {
			p.Review.Report = found(reviewer.Warning, "")
		}),
		"✅ ready to merge: 1 migration, 0 statements": state(func(*view.State, *view.Project) {}),
		"⛔ closed without a merge":                    state(func(s *view.State, _ *view.Project) { s.Open = false }),
		"⏳ merged; the release is being recorded":     state(func(s *view.State, _ *view.Project) { s.Open, s.Merged = false, true }),
		"✅ merged; there is nothing to deploy": state(func(s *view.State, p *view.Project) {
			s.Open, s.Merged, p.Review.Migrations = false, true, 0
		}),
		"⏸ waiting for approval of prod":                           merged(deploy.Waiting, deploy.Stage{Environment: "test", State: deploy.Done}, waiting),
		"⏸ waiting for test":                                       merged(deploy.Waiting, deploy.Stage{Environment: "test", State: deploy.Waiting}),
		"🔄 deploying to test":                                      merged(deploy.Running, deploy.Stage{Environment: "test", State: deploy.Running}),
		"❌ failed in prod":                                         merged(deploy.Failed, deploy.Stage{Environment: "test", State: deploy.Done}, deploy.Stage{Environment: "prod", State: deploy.Failed}),
		"⛔ cancelled in test":                                      merged(deploy.Cancelled, deploy.Stage{Environment: "test", State: deploy.Cancelled}),
		"⏭ skipped in every environment":                           merged(deploy.Skipped, deploy.Stage{Environment: "test", State: deploy.Skipped}),
		"✅ done in every environment":                              merged(deploy.Done, deploy.Stage{Environment: "test", State: deploy.Done}),
		"❓ the outcome in test is not known; a person has to look": merged(deploy.Ambiguous, deploy.Stage{Environment: "test", State: deploy.Ambiguous}),
	} {
		if got := headline(s); got != strings.TrimSpace(want) {
			t.Errorf("headline %q, want %q", got, want)
		}
	}
}

func TestTheSameStateGivesTheSameBytes(t *testing.T) {
	s := merged(deploy.Done, deploy.Stage{Environment: "test", State: deploy.Done})
	first := view.Sticky(s)
	if second := view.Sticky(s); first != second {
		t.Errorf("two renderings differ:\n%s\n%s", first, second)
	}
}

func TestWaivedFindingsPass(t *testing.T) {
	s := state(func(_ *view.State, p *view.Project) { p.Review.Report = found(reviewer.Error, "tiny table") })
	check := view.Check(s)
	if check.Conclusion != providers.Success || !strings.Contains(check.Annotations[0].Title, "waived") || check.Annotations[0].Level != providers.LevelNotice {
		t.Errorf("check %+v", check)
	}
	if got := view.Suggestions(s, nil); len(got) != 0 {
		t.Errorf("suggestions %+v", got)
	}
}

func TestSuggestionsStandOnShownLinesOnceAndAreBounded(t *testing.T) {
	s := state(func(_ *view.State, p *view.Project) {
		p.Review.Report = found(reviewer.Error, "")
		p.Review.Lines = map[string][]providers.LineRange{"migrations/1_a.sql": {{First: 1, Last: 4}}}
	})
	if got := view.Suggestions(s, nil); len(got) != 1 || got[0].Comment.StartLine != 3 || got[0].Comment.Line != 4 {
		t.Errorf("suggestions %+v", got)
	}
	if got := view.Suggestions(s, map[string]bool{"f": true}); len(got) != 0 {
		t.Errorf("posted again: %+v", got)
	}
	s.Projects[0].Review.Lines["migrations/1_a.sql"] = []providers.LineRange{{First: 1, Last: 3}}
	if got := view.Suggestions(s, nil); len(got) != 0 {
		t.Errorf("outside of the diff: %+v", got)
	}
	s.Projects[0].Review.Lines["migrations/1_a.sql"] = []providers.LineRange{{First: 1, Last: 100}}
	findings := &s.Projects[0].Review.Report.Files[0].Findings
	for i := range 20 {
		f := (*findings)[0]
		f.Fingerprint = fmt.Sprint(i)
		*findings = append(*findings, f)
	}
	if got := view.Suggestions(s, nil); len(got) != 10 {
		t.Errorf("%d suggestions in one review", len(got))
	}
}

func TestAtMostThreeNoticesAndTheLastIsKeptForTheEnd(t *testing.T) {
	waiting := func(env string) deploy.Stage {
		return deploy.Stage{Environment: env, State: deploy.Waiting, Needed: 1, Approvers: []string{"bob"},
			Reasons: []deploy.Reason{{Code: deploy.GateApprovals}}}
	}
	keys := func(s view.State, sent ...string) []string {
		var keys []string
		for _, n := range view.Notices(s, *s.Projects[0].Rollout, sent) {
			keys = append(keys, n.Key)
		}
		return keys
	}
	closed := waiting("prod")
	closed.Reasons = append(closed.Reasons, deploy.Reason{Code: deploy.GateEarlierRelease})
	failed := deploy.Stage{Environment: "prod", State: deploy.Failed}
	done := merged(deploy.Done, deploy.Stage{Environment: "prod", State: deploy.Done})
	for name, c := range map[string]struct{ got, want []string }{
		"approvals alone are missing": {keys(merged(deploy.Waiting, waiting("prod"))), []string{"awaiting prod"}},
		"something else closes it":    {keys(merged(deploy.Waiting, closed)), nil},
		"told before":                 {keys(merged(deploy.Waiting, waiting("prod")), "awaiting prod"), nil},
		"no room but for the end":     {keys(merged(deploy.Failed, failed), "awaiting a", "awaiting b"), nil},
		"the end":                     {keys(done, "awaiting a", "awaiting b"), []string{"finished"}},
		"the end was told":            {keys(done, "awaiting a", "finished"), nil},
		"two at once":                 {keys(merged(deploy.Waiting, waiting("a"), waiting("b"), waiting("c"))), []string{"awaiting a", "awaiting b"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestManyDatabasesAreCountedAndTheFailedOnesNamed(t *testing.T) {
	stage := deploy.Stage{Environment: "prod", State: deploy.Failed}
	for i := range 60 {
		task := deploy.Task{Database: fmt.Sprintf("db-%02d", i), State: deploy.Done}
		if i == 7 {
			task.State, task.Failure = deploy.Failed, &deploy.Failure{Message: "no"}
		}
		stage.Tasks = append(stage.Tasks, task)
	}
	got := view.Sticky(merged(deploy.Failed, stage))
	for _, want := range []string{"| 59/60 |", "`db-07`", "59 more databases"} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "db-08") {
		t.Error("names a database that needs nobody")
	}
}

func TestValuesAreMaskedOnPublicRepositories(t *testing.T) {
	stage := deploy.Stage{Environment: "prod", State: deploy.Failed, Tasks: []deploy.Task{{Database: "eu", State: deploy.Failed,
		Failure: &deploy.Failure{Message: `invalid input syntax for type bigint: "555-0199", near 'ann'`, Detail: "Key (phone)=(555-0199)", Hint: "555-0199"}}}}
	s := merged(deploy.Failed, stage)
	if got := view.Sticky(s); !strings.Contains(got, "555-0199") {
		t.Error("a private repository does not show the value")
	}
	s.Public = true
	if got := view.Sticky(s); strings.Contains(got, "555-0199") || strings.Contains(got, "ann") || !strings.Contains(got, "invalid input syntax for type bigint") {
		t.Errorf("shows a value, or nothing at all:\n%s", got)
	}
}

func TestEveryPrintedCommandCanBeTyped(t *testing.T) {
	grammar := command.Grammar{Bare: true, Environments: []string{"test", "prod"}}
	for _, n := range []deploy.Next{
		{Verb: deploy.VerbApprove, Args: []string{"prod", deploy.FlagWithEarlier}},
		{Verb: deploy.VerbApprove, Args: []string{"prod", deploy.FlagDespite, deploy.ReasonWord}},
		{Verb: deploy.VerbApprove, Args: []string{"prod", deploy.FlagDespite, "a long reason"}, Release: "01J"},
		{Verb: deploy.VerbReject, Args: []string{"prod"}},
		{Verb: deploy.VerbRetry, Args: []string{"prod", "orders-eu"}},
		{Verb: deploy.VerbSkip, Args: []string{"20260101", "prod", deploy.ReasonWord}},
		{Verb: deploy.VerbAcceptEdit, Args: []string{"migrations/1 a.sql", deploy.ReasonWord}},
		{Verb: deploy.VerbResolve, Args: []string{"1.2#3", deploy.OutcomeApplied, "orders-eu"}},
		{Verb: deploy.VerbCancel, Args: []string{"prod"}},
		{Verb: deploy.VerbReview},
	} {
		for _, forge := range []message.Forge{github, {Prefix: "/shipsql "}} {
			text, ok := view.State{Forge: forge}.Command(n)
			lines := grammar.Parse(text)
			if !ok || len(lines) != 1 || lines[0].Command == nil || string(lines[0].Command.Name) != n.Verb || lines[0].Command.Release != n.Release {
				t.Errorf("%+v is printed as %q, which is read as %+v", n, text, lines)
			}
		}
	}
	if text, ok := (view.State{Forge: github}).Command(deploy.Next{Verb: deploy.VerbMerge}); ok {
		t.Errorf("merging a fix is printed as %q", text)
	}
}

func TestDeploymentsFollowTheStages(t *testing.T) {
	task := []deploy.Task{{Database: "eu"}}
	s := merged(deploy.Failed, deploy.Stage{Environment: "test", State: deploy.Done, Tasks: task}, deploy.Stage{Environment: "prod", State: deploy.Ambiguous, Tasks: task},
		deploy.Stage{Environment: "later", State: deploy.Waiting})
	var got []string
	for _, d := range view.Deployments(s, *s.Projects[0].Rollout) {
		got = append(got, fmt.Sprintf("%s %s %v", d.Environment, d.State, d.Production))
	}
	if diff := cmp.Diff([]string{"test success false", "prod failure false"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestACommandIsRestated(t *testing.T) {
	got := view.Restated(deploy.Answer{Environment: "prod", Databases: []string{"a", "b", "c", "d", "e", "f", "g"},
		Releases: []deploy.Restated{{Seq: 7, Migrations: 1, Statements: 2}, {Seq: 8, Migrations: 2, Statements: 1}}})
	const want = "release 7 (1 migration, 2 statements), release 8 (2 migrations, 1 statement), prod (a, b, c, d, e and 2 more databases)"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
