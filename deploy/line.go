package deploy

import (
	"context"

	"github.com/shipsql/shipsql/store"
)

// line is what the store knows of some releases: the facts for Decide and the
// rows they came from.
type line struct {
	facts  []LineFacts
	stored []storedRelease
	rows   map[stageKey]storedStage
	tasks  map[stageKey][]storedTask
}

type stageKey struct{ release, environment string }

// loadLine reads the releases of a scope with everything that happened to them,
// in a fixed number of queries.
func loadLine(ctx context.Context, q store.Queryer, sc scope) (line, error) {
	var l line
	var err error
	if l.stored, err = loadReleases(ctx, q, sc); err != nil {
		return l, err
	}
	stages, err := loadStages(ctx, q, sc)
	if err != nil {
		return l, err
	}
	approvals, err := loadApprovals(ctx, q, sc)
	if err != nil {
		return l, err
	}
	skips, err := loadSkips(ctx, q, sc)
	if err != nil {
		return l, err
	}
	tasks, err := loadTasks(ctx, q, sc)
	if err != nil {
		return l, err
	}
	return l.assembled(stages, approvals, skips, tasks), nil
}

// assembled puts what was read where it belongs.
func (l line) assembled(stages []storedStage, approvals []Approval, skips []Skip, tasks []storedTask) line {
	l.rows, l.tasks = map[stageKey]storedStage{}, map[stageKey][]storedTask{}
	facts := map[stageKey]StageFacts{}
	edit := func(release, environment string, change func(*StageFacts)) {
		key := stageKey{release, environment}
		f := facts[key]
		change(&f)
		facts[key] = f
	}
	for _, s := range stages {
		l.rows[stageKey{s.release, s.environment}] = s
		edit(s.release, s.environment, func(f *StageFacts) {
			f.State, f.Rejection, f.Cancelled = s.state, s.rejection, s.cancelled
		})
	}
	for _, a := range approvals {
		edit(a.Release, a.Environment, func(f *StageFacts) { f.Approvals = append(f.Approvals, a) })
	}
	for _, s := range skips {
		edit(s.Release, s.Environment, func(f *StageFacts) { f.Skips = append(f.Skips, s) })
	}
	for _, t := range tasks {
		key := stageKey{t.Release, t.Environment}
		l.tasks[key] = append(l.tasks[key], t)
		edit(t.Release, t.Environment, func(f *StageFacts) { f.Tasks = append(f.Tasks, t.Task) })
	}
	for _, r := range l.stored {
		l.facts = append(l.facts, LineFacts{Release: r.Release, Stages: map[string]StageFacts{}})
	}
	for key, f := range facts {
		if i := l.index(key.release); i >= 0 {
			l.facts[i].Stages[key.environment] = f
		}
	}
	return l
}

func (l line) index(release string) int {
	for i, r := range l.stored {
		if r.ID == release {
			return i
		}
	}
	return -1
}

// loadFacts reads a project's unfinished line. Eligible is left empty.
func (s *Service) loadFacts(ctx context.Context, q store.Queryer, p Project) (Facts, line, error) {
	l, err := loadLine(ctx, q, unfinishedOf(p.ID()))
	if err != nil {
		return Facts{}, l, err
	}
	branch, _, err := loadBranch(ctx, q, p.ID())
	if err != nil {
		return Facts{}, l, err
	}
	facts := Facts{
		Now: s.db.Now(), Project: p, Road: s.cfg.Road(p), Targets: map[string][]string{},
		Refusal: branch.refusal, Line: l.facts, Eligible: map[Ask]Say{},
	}
	for _, env := range facts.Road {
		for _, d := range s.cfg.Targets(p, env.Name) {
			facts.Targets[env.Name] = append(facts.Targets[env.Name], d.Name)
		}
	}
	return facts, l, nil
}
