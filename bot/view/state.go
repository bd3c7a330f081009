package view

import (
	"time"

	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/reviewer"
)

// State is everything the view of one pull request shows.
type State struct {
	Forge    message.Forge
	Number   int
	Title    string
	Head     string // commit
	Open     bool
	Merged   bool
	Public   bool // values from databases are masked
	Projects []Project
	Said     string    // the last accepted command, restated
	Now      time.Time // shown as the time of the update
	Pages    string    // root of our web pages, "" without
}

// Project is one project the pull request belongs to.
type Project struct {
	Config  deploy.Project
	Stages  []Planned
	Review  *Review         // nil: none yet
	Rollout *deploy.Rollout // nil before the merge is recorded
	// Merged is the report at the merge commit, nil before there is one.
	Merged  *reviewer.Report
	Earlier []deploy.Rollout // unfinished releases before this one, oldest first
	Refusal *deploy.Refusal  // the branch's
}

// Planned is an environment as configured, before anything happens there.
type Planned struct {
	Environment string
	Databases   int
}

// Review is what was found in one project's part of a pull request.
type Review struct {
	Head     string
	Report   reviewer.Report
	Problems []Problem
	Files    []File
	Basis    string
	// Migrations is how many migrations the pull request adds or may still change.
	Migrations int
	// Lines are those that the diff shows of each file, where comments may stand.
	Lines map[string][]providers.LineRange
	// Touched says that any file of the project is changed at all.
	Touched bool
}

// Problem blocks like an error of the reviewer, and is about files rather than
// statements.
type Problem struct {
	Path string
	Text string
	// Answers are commands without prefix that end the problem.
	Answers []string
}

// File is a migration's text, for the reader.
type File struct{ Path, SQL string }

// Blocking is how many things forbid the merge.
func (r Review) Blocking() int {
	n := len(r.Problems)
	for _, f := range r.Report.Files {
		for _, finding := range f.Findings {
			if finding.Blocking() {
				n++
			}
		}
	}
	return n
}

// remarks is how many warnings and notices stand.
func (r Review) remarks() int { return r.Report.Summary.Warnings + r.Report.Summary.Notices }

// shown are the projects that have something to say on this pull request.
func (s State) shown() []Project {
	var shown []Project
	for _, p := range s.Projects {
		if p.Rollout != nil || p.Review != nil && p.Review.Touched {
			shown = append(shown, p)
		}
	}
	return shown
}

// Empty says that the pull request has nothing to do with any database.
func (s State) Empty() bool { return len(s.shown()) == 0 }

// sum adds up one number over the reviews.
func (s State) sum(of func(Review) int) int {
	n := 0
	for _, p := range s.Projects {
		if p.Review != nil {
			n += of(*p.Review)
		}
	}
	return n
}

func (s State) releasePage(r *deploy.Rollout) string {
	if s.Pages == "" || r == nil {
		return ""
	}
	return s.Pages + "/releases/" + r.Release.ID
}
