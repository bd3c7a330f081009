package view

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/shipsql/shipsql/bot/command"
	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/plural"
)

// Above so many databases only those that need a person are listed.
const maxDatabases = 50

// stages are the rows of the status table.
func (s State) stages(p Project) []message.Stage {
	if p.Rollout == nil {
		return planned(p.Stages)
	}
	var rows []message.Stage
	for _, stage := range p.Rollout.Stages {
		rows = append(rows, s.stage(stage, s.releasePage(p.Rollout)))
	}
	return rows
}

func planned(stages []Planned) []message.Stage {
	var rows []message.Stage
	for _, e := range stages {
		rows = append(rows, message.Stage{Environment: e.Environment, Total: e.Databases, Glyph: glyphWaiting, Word: "after the merge"})
	}
	return rows
}

func (s State) stage(stage deploy.Stage, page string) message.Stage {
	row := message.Stage{
		Environment: stage.Environment, Total: max(len(stage.Databases), stage.Total()), Done: stage.Passed(),
		Glyph: glyphs[stage.State], Word: string(stage.State), Gates: s.gates(stage.Reasons),
		Took: took(stage.StartedAt, stage.FinishedAt), Log: page,
	}
	if stage.State == deploy.Done && len(stage.Skips) > 0 {
		row.Word = fmt.Sprintf("done, %s skipped", plural.Count(len(stage.Skips), "migration"))
	}
	if len(stage.Tasks) > 1 {
		row.Databases = databases(stage)
		row.Hidden = stage.Total() - len(row.Databases)
	}
	return row
}

// databases are the rows of a stage's databases: of many, those that need a person.
func databases(stage deploy.Stage) (rows []message.Database) {
	for _, t := range stage.Tasks {
		if stage.Total() <= maxDatabases || t.State == deploy.Failed || t.State == deploy.Ambiguous {
			rows = append(rows, message.Database{Name: t.Database, Glyph: glyphs[t.State], Word: string(t.State), Progress: progress(t)})
		}
	}
	return rows
}

func progress(t deploy.Task) string {
	p := t.Progress
	text := ""
	if p.Of > 0 {
		text = fmt.Sprintf("%d of %s", p.Migrations, plural.Count(p.Of, "migration"))
	}
	if t.State == deploy.Running && p.Total > 0 {
		text += fmt.Sprintf(", %s statement %d of %d", p.Path, p.Statement, p.Total)
	}
	return text
}

// maxGates bounds how many reasons one row gives.
const maxGates = 5

func (s State) gates(reasons []deploy.Reason) []message.Gate {
	var gates []message.Gate
	for _, r := range reasons[:min(len(reasons), maxGates)] {
		gates = append(gates, message.Gate{Text: s.masked(r.Text), Who: r.Who, Commands: s.commands(r.Next)})
	}
	return gates
}

// commands are the next commands as they are typed on the forge.
func (s State) commands(next []deploy.Next) []string {
	var commands []string
	for _, n := range next {
		if c, ok := s.Command(n); ok && !slices.Contains(commands, c) {
			commands = append(commands, c)
		}
	}
	return commands
}

var wordSpace = regexp.MustCompile(`\s`)

// Command is a next step as it is typed on the forge; false for one that is no
// command, such as merging a fix.
func (s State) Command(n deploy.Next) (string, bool) {
	if n.Verb == deploy.VerbMerge || n.Verb == "" {
		return "", false
	}
	text := n.Verb
	for _, arg := range n.Args {
		if arg == deploy.ReasonWord || wordSpace.MatchString(arg) {
			arg = `"` + arg + `"`
		}
		text += " " + arg
	}
	if n.Release != "" {
		text += " " + command.FlagRelease + " " + n.Release
	}
	return s.Forge.Command(text), true
}

// failures are the databases' errors, of the stages that need somebody.
func (s State) failures(r deploy.Rollout) []message.Failure {
	var failures []message.Failure
	for _, stage := range r.Stages {
		for _, t := range stage.Tasks {
			if t.Failure != nil && (t.State == deploy.Failed || t.State == deploy.Ambiguous) {
				failures = append(failures, s.failure(stage, t))
			}
		}
	}
	return failures
}

func (s State) failure(stage deploy.Stage, t deploy.Task) message.Failure {
	f := message.Failure{
		Environment: stage.Environment, Database: t.Database, Path: t.Failure.Path, SQLState: t.Failure.SQLState,
		Line: t.Failure.Line, Statement: t.Failure.Statement, Message: s.masked(t.Failure.Message), Next: t.Failure.Next,
	}
	if !s.Public {
		f.Detail, f.Hint = t.Failure.Detail, t.Failure.Hint
	}
	for _, r := range stage.Reasons {
		if r.Database == t.Database {
			f.Commands = s.commands(r.Next)
		}
	}
	return f
}

// Literals in a database's words: 'value', and "value" behind a colon, where
// PostgreSQL puts what it could not read. Names stand in double quotes elsewhere.
var (
	singleQuoted = regexp.MustCompile(`'[^']*'`)
	afterColon   = regexp.MustCompile(`: "[^"]*"`)
)

// masked takes values out of a database's words on a public repository, where
// they may be somebody's personal data.
func (s State) masked(text string) string {
	if !s.Public {
		return text
	}
	return afterColon.ReplaceAllString(singleQuoted.ReplaceAllString(text, "'…'"), `: "…"`)
}
