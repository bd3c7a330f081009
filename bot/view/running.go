package view

import (
	"slices"

	"github.com/shipsql/shipsql/bot/message"
	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/executor"
)

// maxRunning bounds how many long statements are shown one by one; the web page
// has all.
const maxRunning = 5

// percentStep is by how much a number has to grow before the comment is edited.
const percentStep = 5

// running are the statements that take long, those first that wait for somebody.
func (s State) running(r deploy.Rollout) []message.Running {
	var found []message.Running
	for _, stage := range r.Stages {
		for _, t := range stage.Tasks {
			if takesLong(t) {
				found = append(found, s.runningOn(t))
			}
		}
	}
	slices.SortStableFunc(found, func(a, b message.Running) int {
		switch {
		case (a.Waits == "") == (b.Waits == ""):
			return 0
		case a.Waits != "":
			return -1
		}
		return 1
	})
	return found[:min(len(found), maxRunning)]
}

// takesLong says that there is more to tell of a task than that it runs.
func takesLong(t deploy.Task) bool {
	switch {
	case t.State == deploy.Queued:
		return t.Progress.Waits != ""
	case t.State != deploy.Running:
		return false
	}
	return t.Progress.Waits != "" || t.Progress.State == string(executor.EventProgress)
}

func (s State) runningOn(t deploy.Task) message.Running {
	p := t.Progress
	percent, known := p.Percent()
	percent -= percent % percentStep
	if !known {
		percent = -1
	}
	return message.Running{
		Environment: t.Environment, Database: t.Database, Glyph: glyphs[t.State], Word: string(t.State),
		Path: p.Path, Statement: p.Statement, Total: p.Total, Phase: p.Phase, Percent: percent, Waits: s.masked(p.Waits),
	}
}
