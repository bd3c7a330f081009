package release_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/cmd/shipsql/release"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const (
	one = "01KAJ0000000000000000000AA"
	two = "01KAJ0000000000000000000BB"
)

func aRelease(id string, pullRequest int, title string) deploy.Release {
	return deploy.Release{
		ID: id, Project: "github.com/acme/orders@main:migrations", Seq: 7, MergeCommit: strings.Repeat("a1", 20), PullRequest: pullRequest,
		Title: title, Author: "ann", Hash: "3f2a", MergedAt: noon.Add(-3 * time.Hour), CreatedAt: noon.Add(-3 * time.Hour),
		Migrations: []deploy.Migration{
			{Version: "1", Path: "migrations/1_a.sql", Change: "ddl", Statements: 2, Checksum: "c1"},
			{Version: "2", Path: "migrations/2_b.sql", Change: "dml", Statements: 1, Checksum: "c2", Broken: true},
		},
		Problems: []deploy.Problem{{Code: deploy.ProblemUnreadable, Path: "migrations/2_b.sql", Text: "the file is not UTF-8"}},
		Review:   deploy.Review{Hash: "3f2a", Clean: true, At: noon},
	}
}

var waits = deploy.Reason{
	Code: deploy.GateApprovals, Text: "0 of 1 approval", Who: "ann, acme/dba", Next: []deploy.Next{{Verb: deploy.VerbApprove, Args: []string{"prod"}}},
}

func aRollout() deploy.Rollout {
	failed := deploy.Task{
		Database: "orders-eu", State: deploy.Failed, Attempts: 1, StartedAt: noon.Add(-time.Minute), FinishedAt: noon,
		Failure: &deploy.Failure{
			Code: fault.SQLError, Path: "migrations/1_a.sql", Line: 3, Statement: 2, SQLState: "22012", Message: "division by\x1b[31m zero",
			Detail: "Key (id)=(1)", Hint: "look", Next: "merge a fix",
		},
	}
	return deploy.Rollout{
		Release: aRelease(one, 42, "Add \x1b]0;title\x07 \u202Ea column"), State: deploy.Failed,
		Refusal: &deploy.Refusal{Code: "not_ancestor", Text: "the branch was rewritten", Next: "look at it"},
		Stages: []deploy.Stage{
			{
				Environment: "test", Mode: "auto", State: deploy.Done, Databases: []string{"orders-test"}, StartedAt: noon.Add(-time.Hour), FinishedAt: noon,
				Tasks: []deploy.Task{{Database: "orders-test", State: deploy.Done, Attempts: 1, StartedAt: noon.Add(-4200 * time.Millisecond), FinishedAt: noon}},
			},
			{
				Environment: "prod", Mode: "manual", State: deploy.Failed, Databases: []string{"orders-eu", "orders-us"}, Needed: 1, Approvers: []string{"ann", "acme/dba"},
				Reasons: []deploy.Reason{
					{Code: deploy.StageFailed, Text: "orders-eu failed", Who: "anyone who may write", Database: "orders-eu", Next: []deploy.Next{
						{Verb: deploy.VerbRetry, Args: []string{"prod", "orders-eu"}}, {Verb: deploy.VerbSkip, Args: []string{"1", "prod", deploy.ReasonWord}}, {Verb: deploy.VerbMerge, Args: []string{"migrations/1 a.sql"}},
					}},
					waits,
				},
				Approvals: []deploy.Approval{
					{Actor: deploy.Actor{Kind: deploy.ForgeUser, Login: "bob"}, At: noon, Standing: deploy.Standing{Why: deploy.NotStandingContent}},
					{Actor: deploy.Actor{Kind: deploy.Operator, Login: "root"}, At: noon, Standing: deploy.Standing{Counts: true}},
				},
				Tasks: []deploy.Task{failed, {
					Database: "orders-us", State: deploy.Running, Attempts: 2, StartedAt: noon,
					Progress: deploy.Progress{Path: "migrations/1_a.sql", Statement: 1, Total: 2, State: "progress",
						Phase: "building index: scanning table", PhaseDone: 29, PhaseOf: 100, Unit: "blocks", Waits: "waits for a lock of 'psql' (pid 7)"},
				}},
				Skips: []deploy.Skip{{Version: "2", Path: "migrations/2_b.sql", Actor: "ann", Reason: "broken", At: noon}},
			},
		},
	}
}

var trail = []deploy.AuditRow{
	{Seq: 1, At: noon.Add(-3 * time.Hour), Action: "release", Actor: deploy.Actor{Kind: "shipsql", Login: "shipsql"}, Data: []byte(`{"hash":"3f2a"}`), Hash: "h1"},
	{
		Seq: 2, At: noon, Action: "approve", Environment: "prod", Actor: deploy.Actor{Kind: deploy.Operator, Login: "root"},
		Data: []byte(`{"despite":"","hash":"3f2a","source":"shipsql release approve by root (uid 0) on node-1","with_earlier":false}`), Hash: "h2",
	},
}

func TestReports(t *testing.T) {
	listed := []deploy.Listed{
		{Release: aRelease(two, 0, "A title that is so long that it would push all that follows off the screen"), State: deploy.Waiting, Stages: []deploy.StageLine{
			{Environment: "test", State: deploy.Done, Databases: 1, Passed: 1}, {Environment: "prod", State: deploy.Waiting, Databases: 2, Reason: waits},
		}},
		{Release: aRelease(one, 42, "Ünïcode @all"), State: deploy.Done, Stages: []deploy.StageLine{{Environment: "test", State: deploy.Done, Databases: 12, Passed: 12}}},
	}
	answer := deploy.Answer{
		Verb: deploy.VerbApprove, Environment: "prod", Databases: []string{"orders-eu", "orders-us"}, Reasons: []deploy.Reason{waits},
		Releases: []deploy.Restated{{ID: one, PullRequest: 42, Title: "Add a column", Hash: "3f2a", Migrations: 2, Statements: 3, Needed: 2, Counted: 1}},
	}
	_, missing := release.One(nil, "42", "")
	_, several := release.One([]deploy.Release{aRelease(two, 42, "B"), aRelease(one, 42, "A")}, "42", "shipsql release retry %s prod")
	for name, report := range map[string]interface{ Text(console.Terminal) }{
		"list":   release.NewList(listed),
		"none":   release.NewList(nil),
		"show":   release.NewShow(aRollout(), trail),
		"answer": release.NewAnswer(answer),
		"retry":  release.NewAnswer(deploy.Answer{Verb: deploy.VerbRetry, Environment: "test", Databases: []string{"orders-test"}, Releases: answer.Releases[:1]}),
		"failed": release.NewFailed(missing, ""),
		"choose": release.NewFailed(several, ""),
	} {
		t.Run(name, func(t *testing.T) {
			var text, colour bytes.Buffer
			report.Text(console.Terminal{Out: &text, Now: noon})
			report.Text(console.Terminal{Out: &colour, Now: noon, Color: true})
			golden(t, name+".txt", text.Bytes())
			document, err := json.MarshalIndent(report, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".json", append(document, '\n'))
			if strings.ContainsAny(text.String(), "\x1b\x07\u202E") {
				t.Errorf("a terminal would obey this: %q", text.String())
			}
			if uncoloured(colour.String()) != text.String() {
				t.Errorf("colours move columns:\n%s", colour.String())
			}
		})
	}
}

func uncoloured(text string) string {
	for _, code := range []string{"0", "31", "32", "33", "36"} {
		text = strings.ReplaceAll(text, "\x1b["+code+"m", "")
	}
	return text
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestOne(t *testing.T) {
	found := []deploy.Release{aRelease(two, 42, "B"), aRelease(one, 42, "A")}
	if got, err := release.One(found[:1], "42", ""); err != nil || got.ID != two {
		t.Errorf("got %v, %v", got.ID, err)
	}
	if _, err := release.One(found, "42", "%s"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("got %v", err)
	}
}

func TestNearestWords(t *testing.T) {
	cfg := deploy.Config{
		Databases: []deploy.Database{
			{Name: "orders-test", Environment: "test", Labels: map[string]string{"app": "orders"}},
			{Name: "orders-eu", Environment: "prod", Labels: map[string]string{"app": "orders"}},
			{Name: "other", Environment: "prod", Labels: map[string]string{"app": "other"}},
		},
		Environments: []deploy.Environment{{Name: "test"}, {Name: "staging"}, {Name: "prod"}},
		Projects: []deploy.Project{
			{Repository: "github.com/acme/orders", Branch: "main", Path: "migrations", Databases: map[string]string{"app": "orders"}},
			{Repository: "github.com/acme/billing", Branch: "main", Path: "migrations", Databases: map[string]string{"app": "other"}},
		},
	}
	id := cfg.Projects[0].ID()
	project := func(word string) error { _, err := release.Project(cfg, word); return err }
	for name, c := range map[string]struct {
		err  error
		says string // "" when it is no error
	}{
		"every project":         {project(""), ""},
		"project":               {project(id), ""},
		"part of a project":     {project("acme/orders"), ""},
		"several projects":      {project("acme"), "choose one of " + id},
		"unknown project":       {project("nothing at all"), "known: " + id},
		"environment":           {release.Environment(cfg, id, "prod"), ""},
		"mistyped environment":  {release.Environment(cfg, id, "prd"), `did you mean "prod"?`},
		"off the road":          {release.Environment(cfg, id, "staging"), "known: test, prod"},
		"project that was":      {release.Environment(cfg, "gone", "prod"), "not configured any more"},
		"database":              {release.Database(cfg, id, "prod", "orders-eu"), ""},
		"all failed ones":       {release.Database(cfg, id, "prod", "failed"), ""},
		"no database":           {release.Database(cfg, id, "prod", ""), ""},
		"mistyped database":     {release.Database(cfg, id, "prod", "order-eu"), `did you mean "orders-eu"?`},
		"another's database":    {release.Database(cfg, id, "prod", "other"), "known: failed, orders-eu"},
		"another environment's": {release.Database(cfg, id, "prod", "orders-test"), "has no database"},
	} {
		if (c.err == nil) != (c.says == "") || c.err != nil && !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, c.err, c.says)
		}
	}
}

func TestManyDatabasesAreNotAllNamed(t *testing.T) {
	rollout := aRollout()
	stage := &rollout.Stages[1]
	stage.Tasks = nil
	for range 5000 {
		stage.Tasks = append(stage.Tasks, deploy.Task{Database: "done", State: deploy.Done}, deploy.Task{Database: "waits", State: deploy.Queued})
	}
	var text bytes.Buffer
	release.NewShow(rollout, nil).Text(console.Terminal{Out: &text, Now: noon})
	if lines := strings.Count(text.String(), "\n"); lines > 60 || !strings.Contains(text.String(), "5000 of 10000 databases") || !strings.Contains(text.String(), "… and 4980 more") {
		t.Errorf("%d lines:\n%.3000s", lines, text.String())
	}
}
