package release

import (
	"fmt"
	"strings"
	"time"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/deploy"
)

// List is the report of `release list`; its JSON is a contract.
type List struct {
	Version  int    `json:"version"`
	Releases []Item `json:"releases"`
}

// Item is one release of a list.
type Item struct {
	Summary

	Stages []Line `json:"stages"`
}

// Summary is what every report says of a release.
type Summary struct {
	ID          string       `json:"id"`
	Project     string       `json:"project"`
	PullRequest int          `json:"pull_request"` // 0: pushed directly
	MergeCommit string       `json:"merge_commit"`
	Title       string       `json:"title"`
	Author      string       `json:"author"`
	State       deploy.State `json:"state"`
	MergedAt    time.Time    `json:"merged_at"`
	CreatedAt   time.Time    `json:"created_at"`
}

// Line is a stage in a few words.
type Line struct {
	Environment string         `json:"environment"`
	State       deploy.State   `json:"state"`
	Databases   int            `json:"databases"`
	Passed      int            `json:"passed"` // databases that are done or skipped
	Reason      *deploy.Reason `json:"reason"` // the first thing in the way; null when there is none
}

// NewList makes the report, in the order given.
func NewList(listed []deploy.Listed) List {
	l := List{Version: 1, Releases: []Item{}}
	for _, r := range listed {
		item := Item{Summary: summary(r.Release, r.State), Stages: []Line{}}
		for _, s := range r.Stages {
			line := Line{Environment: s.Environment, State: s.State, Databases: s.Databases, Passed: s.Passed}
			if s.Reason.Code != "" {
				line.Reason = &s.Reason
			}
			item.Stages = append(item.Stages, line)
		}
		l.Releases = append(l.Releases, item)
	}
	return l
}

func summary(r deploy.Release, state deploy.State) Summary {
	return Summary{
		ID: r.ID, Project: r.Project, PullRequest: r.PullRequest, MergeCommit: r.MergeCommit, Title: r.Title,
		Author: r.Author, State: state, MergedAt: r.MergedAt.UTC(), CreatedAt: r.CreatedAt.UTC(),
	}
}

// titleWidth is how much of a title a list shows.
const titleWidth = 40

// Text prints a table, one release a line.
func (l List) Text(t console.Terminal) {
	if len(l.Releases) == 0 {
		t.Line("no releases")
		return
	}
	rows := [][]string{{"RELEASE", "PROJECT", "CHANGE", "TITLE", "AGE", "STAGES"}}
	for _, r := range l.Releases {
		rows = append(rows, []string{r.ID, console.Plain(r.Project), r.change(), console.Clipped(r.Title, titleWidth), t.Age(r.CreatedAt), inStages(t, r.Stages)})
	}
	t.Table(rows)
}

// change is the pull request, or the commit where there is none.
func (s Summary) change() string {
	if s.PullRequest != 0 {
		return fmt.Sprintf("#%d", s.PullRequest)
	}
	return s.commit()
}

func (s Summary) commit() string {
	commit := console.Plain(s.MergeCommit)
	return commit[:min(len(commit), shortCommit)]
}

// shortCommit is how much of a commit's name people need.
const shortCommit = 10

func inStages(t console.Terminal, stages []Line) string {
	texts := make([]string, len(stages))
	for i, s := range stages {
		texts[i] = console.Plain(s.Environment) + " " + coloured(t, s.State)
		if s.Databases > 1 && s.State != deploy.Done {
			texts[i] += fmt.Sprintf(" %d/%d", s.Passed, s.Databases)
		}
	}
	return strings.Join(texts, ", ")
}

// colours by what a reader has to do about a state.
var colours = map[deploy.State]string{
	deploy.Done: "32", deploy.Skipped: "32", deploy.Running: "36", deploy.Queued: "36",
	deploy.Waiting: "33", deploy.Failed: "31", deploy.Ambiguous: "31", deploy.Cancelled: "31",
}

// coloured is a state, in its colour where the terminal shows colours.
func coloured(t console.Terminal, s deploy.State) string {
	if !t.Color || colours[s] == "" {
		return string(s)
	}
	return "\x1b[" + colours[s] + "m" + string(s) + "\x1b[0m"
}
