package view

import (
	"fmt"
	"time"

	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/plural"
	"github.com/shipsql/shipsql/reviewer"
)

// The glyphs of states; a word always stands beside them.
const (
	glyphQueued    = "⏳"
	glyphWaiting   = "⏸"
	glyphRunning   = "🔄"
	glyphDone      = "✅"
	glyphSkipped   = "⏭"
	glyphWarning   = "⚠️"
	glyphFailed    = "❌"
	glyphCancelled = "⛔"
	glyphAmbiguous = "❓"
)

var glyphs = map[deploy.State]string{
	deploy.Waiting: glyphWaiting, deploy.Queued: glyphQueued, deploy.Running: glyphRunning, deploy.Done: glyphDone,
	deploy.Failed: glyphFailed, deploy.Ambiguous: glyphAmbiguous, deploy.Skipped: glyphSkipped, deploy.Cancelled: glyphCancelled,
}

// Sticky is the text of the sticky comment.
func Sticky(s State) string {
	h := s.headline()
	data := message.Sticky{
		PullRequest: s.Number, Glyph: h.glyph, Headline: h.text, Detail: h.detail,
		Said: s.Said, Commands: s.hints(), Head: s.Head, Updated: s.Now,
	}
	shown := s.shown()
	for _, p := range shown {
		data.Projects = append(data.Projects, s.project(p, len(shown) > 1))
		data.Link = s.releasePage(p.Rollout)
	}
	return message.RenderSticky(s.Forge, data)
}

// Status is the answer to the status command.
func Status(s State) string {
	data := message.Status{}
	for _, p := range s.Projects {
		m := s.project(p, true)
		m.Files, m.Basis = nil, "" // they stand in the sticky comment
		data.Projects = append(data.Projects, m)
	}
	return message.RenderStatus(s.Forge, data)
}

func (s State) project(p Project, named bool) message.Project {
	m := message.Project{Problems: s.problems(p), Stages: s.stages(p), Earlier: earlier(p)}
	if named {
		m.Name = p.Config.Path
	}
	if p.Rollout != nil {
		m.Release = releaseLine(p.Rollout.Release)
		m.Running = s.running(*p.Rollout)
		m.Failures, m.Unmapped = s.failures(*p.Rollout), p.Rollout.Release.People.Unmapped
	}
	if p.Merged != nil {
		m.Blocking, _, m.Waived = split(*p.Merged) // remarks were read before the merge
		m.Basis = p.Merged.Basis
	} else if p.Review != nil {
		m.Blocking, m.Remarks, m.Waived = split(p.Review.Report)
		m.Basis = p.Review.Basis
	}
	if p.Review != nil {
		m.Files = files(*p.Review)
	}
	return m
}

func releaseLine(r deploy.Release) string {
	hash := r.Hash[:min(len(r.Hash), 12)]
	return fmt.Sprintf("release %d · %s · %s · content %s", r.Seq,
		plural.Count(len(r.Migrations), "migration"), plural.Count(r.Statements(), "statement"), hash)
}

// problems are what stops the line, and before the merge what forbids it.
func (s State) problems(p Project) []message.Problem {
	var problems []message.Problem
	if p.Refusal != nil {
		problems = append(problems, message.Problem{Text: sentence(p.Refusal.Text, p.Refusal.Next)})
	}
	if p.Rollout != nil {
		for _, problem := range p.Rollout.Release.Problems {
			if problem.Answer == nil {
				problems = append(problems, message.Problem{Text: problem.Path + ": " + problem.Text})
			}
		}
		return problems
	}
	if p.Review != nil {
		for _, problem := range p.Review.Problems {
			problems = append(problems, message.Problem{Text: problem.Path + ": " + problem.Text, Commands: s.typed(problem.Answers)})
		}
	}
	return problems
}

func sentence(text, next string) string {
	if next == "" {
		return text
	}
	return text + "; " + next
}

func (s State) typed(commands []string) []string {
	typed := make([]string, 0, len(commands))
	for _, c := range commands {
		typed = append(typed, s.Forge.Command(c))
	}
	return typed
}

func earlier(p Project) []message.Earlier {
	var found []message.Earlier
	for _, r := range p.Earlier {
		found = append(found, message.Earlier{
			Release: r.Release.Seq, PullRequest: r.Release.PullRequest, Title: r.Release.Title, State: string(r.State),
		})
	}
	return found
}

// split sorts a report's findings by what they ask of the reader.
func split(r reviewer.Report) (blocking, remarks, waived []message.Finding) {
	for _, file := range r.Files {
		for _, f := range file.Findings {
			m := finding(file.Path, f)
			switch {
			case f.Blocking():
				blocking = append(blocking, m)
			case f.Waived != "":
				waived = append(waived, m)
			default:
				remarks = append(remarks, m)
			}
		}
	}
	return blocking, remarks, waived
}

func finding(path string, f reviewer.Finding) message.Finding {
	return message.Finding{
		Rule: f.Rule, Path: path, Line: f.Line, Severity: string(f.Severity), Message: f.Message,
		Why: f.Why, Fix: f.Fix, Suggestion: f.Suggestion, Waived: f.Waived,
	}
}

func files(r Review) []message.File {
	var found []message.File
	for _, f := range r.Files {
		m := message.File{Path: f.Path, SQL: f.SQL}
		for _, report := range r.Report.Files {
			if report.Path == f.Path {
				m.Statements, m.Effects = len(report.Statements), effects(report.Statements)
			}
		}
		found = append(found, m)
	}
	return found
}

// effects are what a file's statements do to what exists, each once.
func effects(statements []reviewer.StatementReport) []string {
	var found []string
	seen := map[string]bool{}
	add := func(text string) {
		if !seen[text] {
			seen[text] = true
			found = append(found, text)
		}
	}
	for _, s := range statements {
		for _, l := range s.Effects.Locks {
			add(fmt.Sprintf("%s on %s, blocks %s", l.Mode, l.Object, blocks[l.Blocks]))
		}
		for _, table := range s.Effects.Rewrite {
			add("writes " + table + " anew")
		}
		for _, table := range s.Effects.Scan {
			add("reads all of " + table)
		}
	}
	return found
}

var blocks = map[string]string{"none": "nobody", "writes": "writers", "reads_and_writes": "readers and writers"}

// took is how long something ran; while it runs nothing is said, or every view
// would be a new one.
func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	return message.Took(to.Sub(from))
}
