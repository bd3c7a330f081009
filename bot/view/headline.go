package view

import (
	"fmt"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/plural"
)

// line is a glyph with words.
type line struct{ glyph, text, detail string }

// headline is the one thing a reader should know.
func (s State) headline() line {
	switch {
	case s.Merged:
		return s.afterMerge()
	case !s.Open:
		return line{glyph: glyphCancelled, text: "closed without a merge", detail: "Nothing will run."}
	case s.Empty():
		return line{glyph: glyphDone, text: "no database changes"}
	}
	return s.beforeMerge()
}

func (s State) beforeMerge() line {
	blocking, files := s.sum(Review.Blocking), s.sum(func(r Review) int { return len(r.Report.Files) })
	changes := fmt.Sprintf("%s, %s", plural.Count(s.sum(func(r Review) int { return r.Migrations }), "migration"),
		plural.Count(s.sum(func(r Review) int { return r.Report.Summary.Statements }), "statement"))
	switch {
	case blocking > 0:
		return line{glyph: glyphFailed, text: fmt.Sprintf("%s in %s", plural.Count(blocking, "blocking finding"), plural.Count(max(files, 1), "file")),
			detail: "Merging is blocked until they are fixed or answered."}
	case s.sum(Review.remarks) > 0:
		return line{glyph: glyphWarning, text: fmt.Sprintf("ready to merge with %s: %s", plural.Count(s.sum(Review.remarks), "remark"), changes)}
	}
	return line{glyph: glyphDone, text: "ready to merge: " + changes}
}

// afterMerge speaks of the rollout that needs a person most.
func (s State) afterMerge() line {
	var worst *deploy.Rollout
	for _, p := range s.Projects {
		if p.Rollout != nil && (worst == nil || urgency[p.Rollout.State] > urgency[worst.State]) {
			worst = p.Rollout
		}
	}
	switch {
	case worst != nil:
		return rolloutLine(*worst)
	case s.sum(func(r Review) int { return r.Migrations + len(r.Problems) }) > 0:
		return line{glyph: glyphQueued, text: "merged; the release is being recorded"}
	}
	return line{glyph: glyphDone, text: "merged; there is nothing to deploy", detail: "The merge changed no migration."}
}

var urgency = map[deploy.State]int{
	deploy.Skipped: 1, deploy.Done: 2, deploy.Running: 3, deploy.Queued: 3, deploy.Waiting: 4,
	deploy.Cancelled: 5, deploy.Failed: 6, deploy.Ambiguous: 7,
}

func rolloutLine(r deploy.Rollout) line {
	stage := current(r)
	l := line{glyph: glyphs[r.State]}
	switch r.State {
	case deploy.Done:
		l.text = "done in every environment"
	case deploy.Skipped:
		l.text = "skipped in every environment"
	case deploy.Waiting:
		l.text = "waiting" + in(" for ", stage)
		if stage != nil && needs(*stage, deploy.GateApprovals) {
			l.text = "waiting for approval of " + stage.Environment
		}
	case deploy.Running, deploy.Queued:
		l.text = "deploying" + in(" to ", stage)
	case deploy.Ambiguous:
		l.text = "the outcome" + in(" in ", stage) + " is not known; a person has to look"
	default:
		l.text = string(r.State) + in(" in ", stage)
	}
	return l
}

// current is the stage the rollout stands at: the first that has not passed.
func current(r deploy.Rollout) *deploy.Stage {
	for i := range r.Stages {
		if !r.Stages[i].State.Passed() {
			return &r.Stages[i]
		}
	}
	return nil
}

func in(word string, stage *deploy.Stage) string {
	if stage == nil {
		return ""
	}
	return word + stage.Environment
}

func needs(stage deploy.Stage, code deploy.Code) bool {
	for _, r := range stage.Reasons {
		if r.Code == code {
			return true
		}
	}
	return false
}
