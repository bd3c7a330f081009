package message_test

import (
	"time"

	"github.com/shipsql/shipsql/bot/message"
)

var github = message.Forge{Prefix: "/", Limit: 65536}

// sample is one message of the gallery.
type sample struct {
	title string
	when  string // one sentence
	text  string
}

var (
	blocking = message.Finding{
		Rule: "set-not-null-scans", Path: "migrations/20260301_email.sql", Line: 3, Severity: "error",
		Message:    "SET NOT NULL on public.users scans 41,000,000 rows under ACCESS EXCLUSIVE",
		Why:        "nobody can read or write public.users meanwhile, about 40 s",
		Fix:        "add a CHECK constraint NOT VALID, validate it, then set NOT NULL",
		Suggestion: "ALTER TABLE users ADD CONSTRAINT users_email_set CHECK (email IS NOT NULL) NOT VALID;",
	}
	required = message.Finding{
		Rule: "add-required-column", Path: "migrations/20260301_email.sql", Line: 4, Severity: "error",
		Message: "Column status is NOT NULL and has no default: adding it fails if public.users has any rows",
		Why:     "On a table with rows ADD COLUMN … NOT NULL without a default fails.",
		Fix:     "ALTER TABLE users ADD COLUMN status text NOT NULL DEFAULT …;\n-- or without NOT NULL, filled in batches",
	}
	remark = message.Finding{
		Rule: "drop-column", Path: "migrations/20260301_email.sql", Line: 5, Severity: "warning",
		Message: "public.users.mail is dropped", Why: "a running application that still reads it fails",
		Fix: "release the application first",
	}
	file = message.File{
		Path: "migrations/20260301_email.sql", Statements: 2,
		SQL:     "ALTER TABLE users ALTER COLUMN email SET NOT NULL;\nALTER TABLE users DROP COLUMN mail;\n",
		Effects: []string{"ACCESS EXCLUSIVE on public.users, blocks reads and writes", "scans public.users"},
	}
	failure = message.Failure{
		Environment: "prod", Database: "orders-eu", Path: "migrations/20260301_email.sql", Line: 1, Statement: 1,
		SQLState: "23502", Message: `column "email" of relation "users" contains null values`,
		Commands: []string{"/retry prod", `/skip 20260301 prod "REASON"`},
	}
	waitingGate = message.Gate{Text: "1 of 2 approvals", Who: "ann or a member of acme/dba", Commands: []string{"/approve prod"}}
)

func sticky(change func(*message.Sticky)) message.Sticky {
	s := message.Sticky{
		PullRequest: 42, Head: "abc1234def5678", Updated: time.Date(2026, 3, 1, 21, 5, 7, 0, time.UTC),
		Link: "https://shipsql.example.com/releases/01J",
		Commands: []message.Hint{
			{Command: "/waive set-not-null-scans \"REASON\"", Does: "let this finding pass"},
			{Command: "/review", Does: "review again"},
			{Command: "/shipsql help", Does: "all commands"},
		},
	}
	change(&s)
	return s
}

func stages(test, prod message.Stage) []message.Stage {
	test.Environment, test.Total = "test", 1
	prod.Environment, prod.Total = "prod", 2
	return []message.Stage{test, prod}
}

var later = message.Stage{Glyph: "⏸", Word: "after the merge"}

// samples are all messages, as the gallery shows them.
func samples() []sample {
	return append(stickies(), shorts()...)
}

func stickies() []sample {
	return []sample{
		{"Sticky comment: blocked", "The review found something that must not be merged.", message.RenderSticky(github, sticky(func(s *message.Sticky) {
			s.Glyph, s.Headline = "❌", "2 blocking findings in 1 file"
			s.Projects = []message.Project{{
				Stages:   stages(later, later),
				Blocking: []message.Finding{required, blocking}, Remarks: []message.Finding{remark}, Files: []message.File{file},
				Basis: "static rules with the catalog of orders-eu, PostgreSQL 15",
			}}
		}))},
		{"Sticky comment: ready", "Nothing blocks; earlier releases are still on their way.", message.RenderSticky(github, sticky(func(s *message.Sticky) {
			s.Glyph, s.Headline = "✅", "ready to merge: 1 migration, 2 statements"
			s.Projects = []message.Project{{
				Stages: stages(later, later), Files: []message.File{file},
				Earlier: []message.Earlier{{Release: 6, Title: "hotfix by hand", State: "waiting"}, {Release: 7, PullRequest: 41, Title: "Add orders", State: "failed"}},
				Waived:  []message.Finding{func() message.Finding { f := blocking; f.Waived = "the table is empty"; return f }()},
				Basis:   "static rules, no catalog: the pull request comes from a fork",
			}}
		}))},
		{"Sticky comment: waiting for approval", "Merged; test is done and prod waits.", message.RenderSticky(github, sticky(func(s *message.Sticky) {
			s.Glyph, s.Headline = "⏸", "waiting for approval of prod"
			s.Said = "ann approved prod: release 8, 1 migration, 2 statements, orders-eu, orders-us"
			s.Projects = []message.Project{{
				Release: "release 8 · 1 migration · 2 statements", Unmapped: []string{"Zed <zed@example.org>"},
				Stages: stages(message.Stage{Done: 1, Glyph: "✅", Word: "done", Took: "4.2 s", Log: s.Link},
					message.Stage{Glyph: "⏸", Word: "waiting", Gates: []message.Gate{waitingGate}, Log: s.Link}),
			}}
		}))},
		{"Sticky comment: running", "Long statements say how far they are and whom they wait for.", message.RenderSticky(github, sticky(func(s *message.Sticky) {
			s.Glyph, s.Headline = "🔄", "deploying to prod"
			s.Projects = []message.Project{{
				Release: "release 8 · 1 migration · 2 statements",
				Stages: stages(message.Stage{Done: 1, Glyph: "✅", Word: "done", Took: "4.2 s", Log: s.Link},
					message.Stage{Glyph: "🔄", Word: "running", Log: s.Link}),
				Running: []message.Running{
					{Environment: "prod", Database: "orders-us", Glyph: "🔄", Word: "running", Path: file.Path, Statement: 1, Total: 2,
						Percent: -1, Waits: "waits for a lock of 'nightly report' (pid 4711, idle in transaction since 2026-03-01T20:58:11Z)"},
					{Environment: "prod", Database: "orders-eu", Glyph: "🔄", Word: "running", Path: file.Path, Statement: 2, Total: 2,
						Phase: "building index: scanning table", Percent: 40},
				},
			}}
		}))},
		{"Sticky comment: failed", "A database refused; the line stands there until somebody decides.", message.RenderSticky(github, sticky(func(s *message.Sticky) {
			s.Glyph, s.Headline = "❌", "failed on prod"
			s.Projects = []message.Project{{
				Release: "release 8 · 1 migration · 2 statements",
				Stages: stages(message.Stage{Done: 1, Glyph: "✅", Word: "done", Took: "4.2 s"},
					message.Stage{Done: 1, Glyph: "❌", Word: "failed", Took: "12 s", Databases: []message.Database{
						{Name: "orders-eu", Glyph: "❌", Word: "failed", Progress: "0 of 1 migrations"},
						{Name: "orders-us", Glyph: "✅", Word: "done", Progress: "1 of 1 migrations"},
					}}),
				Failures: []message.Failure{failure},
			}}
		}))},
		{"Sticky comment: the branch was rewritten", "The project's cursor is no ancestor of the head any more.", message.RenderSticky(github, sticky(func(s *message.Sticky) {
			s.Glyph, s.Headline = "❌", "the line is stopped"
			s.Projects = []message.Project{{Name: "migrations", Problems: []message.Problem{
				{Text: "main was rewritten: the last commit seen, 1234567, is gone", Commands: []string{"shipsql release start-at"}}}}}
		}))},
	}
}

func shorts() []sample {
	notice := message.Notice{
		Environment: "prod", Release: "release 8", Approvers: []string{"ann", "acme/dba"}, Needed: 1, Databases: 2,
		Commands: []message.Hint{{Command: "/approve prod", Does: "let it run"}, {Command: "/reject prod", Does: "keep it closed"}},
		Link:     "https://shipsql.example.com/releases/01J",
	}
	failed := notice
	failed.Failures = []message.Failure{failure}
	return []sample{
		{"Notice: awaiting approval", "The only comment that mentions people.", message.RenderAwaiting(github, notice)},
		{"Notice: failed", "A stage failed.", message.RenderFailed(github, failed)},
		{"Notice: finished", "The last environment is done.", message.RenderFinished(github, notice)},
		{"Reply: refused", "A command that was not carried out.", message.RenderRefused(github, message.Reply{
			Login: "sam", Said: "/approve prod", Text: "sam is no approver of prod", Who: "ann or a member of acme/dba", Commands: []string{"/approve prod"}})},
		{"Reply: recorded, something else is in the way", "A command that was carried out, but does not open the gate yet.", message.RenderAccepted(github, message.Reply{
			Login: "ann", Said: "/approve prod", Text: "recorded for release 8, prod: orders-eu, orders-us, 1 migration, 2 statements",
			Reasons: []message.Gate{{Text: "release 7 waits before it", Who: "ann", Commands: []string{"/approve prod --with-earlier"}}}})},
		{"Reply: unknown word", "Answered only with the prefix or the mention.", message.RenderUnknown(github, message.Reply{
			Text: `"aprove" is not a command`, Commands: []string{"/approve prod"}})},
		{"Reply: wrong usage", "Our command, with arguments that don't fit.", message.RenderUnknown(github, message.Reply{
			Text: "skip needs a reason", Usage: `/skip VERSION ENV "REASON"`})},
		{"Reply: help", "The list of commands.", message.RenderHelp(github, message.Help{
			Environments: []string{"test", "prod"}, Commands: []message.Hint{{Command: "/approve ENV", Does: "open an environment's gate"}}})},
		{"Reply: status", "Where the project stands.", message.RenderStatus(github, message.Status{Projects: []message.Project{{
			Name: "migrations", Stages: stages(message.Stage{Done: 1, Glyph: "✅", Word: "done"}, message.Stage{Glyph: "⏸", Word: "waiting", Gates: []message.Gate{waitingGate}}),
		}}})},
		{"Check summary: blocked", "The check run's page.", message.RenderCheck(github, message.Check{
			Detail: "1 blocking finding in 1 file", Projects: []message.Project{{
				Blocking: []message.Finding{blocking}, Remarks: []message.Finding{remark}, Basis: "static rules with the catalog of orders-eu, PostgreSQL 15",
				Problems: []message.Problem{{Text: "migrations/20260101_users.sql is applied on orders-test and orders-eu; add a new migration instead of editing it"}}}}})},
		{"Annotation", "Beside the line in the diff; plain text.", message.RenderAnnotation(blocking)},
		{"Inline suggestion", "A fix that can be committed from the pull request.", first(message.RenderSuggestion(blocking))},
	}
}

func first(text string, _ bool) string { return text }
