package deploy

import (
	"context"

	"github.com/shipsql/shipsql/store"
)

// line is what the store knows of some releases: the facts for Decide and the
// rows they came from. Tasks are only counted, and the first in trouble read.
type line struct {
	facts  []LineFacts
	stored []storedRelease
	rows   map[stageKey]storedStage
}

type stageKey struct{ release, environment string }

// loadLine reads the releases of a scope with what people did to them, in a
// fixed number of queries, and without their tasks.
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
	return l.assembled(stages, approvals, skips), nil
}

// assembled puts what was read where it belongs.
func (l line) assembled(stages []storedStage, approvals []Approval, skips []Skip) line {
	l.rows = map[stageKey]storedStage{}
	for _, r := range l.stored {
		l.facts = append(l.facts, LineFacts{Release: r.Release, Stages: map[string]StageFacts{}})
	}
	for _, s := range stages {
		l.rows[stageKey{s.release, s.environment}] = s
		l.edit(s.release, s.environment, func(f *StageFacts) {
			f.State, f.Rejection, f.Cancelled = s.state, s.rejection, s.cancelled
		})
	}
	for _, a := range approvals {
		l.edit(a.Release, a.Environment, func(f *StageFacts) { f.Approvals = append(f.Approvals, a) })
	}
	for _, s := range skips {
		l.edit(s.Release, s.Environment, func(f *StageFacts) { f.Skips = append(f.Skips, s) })
	}
	return l
}

// edit changes what is known of a stage.
func (l line) edit(release, environment string, change func(*StageFacts)) {
	if i := l.index(release); i >= 0 {
		f := l.facts[i].Stages[environment]
		change(&f)
		l.facts[i].Stages[environment] = f
	}
}

func (l line) index(release string) int {
	for i, r := range l.stored {
		if r.ID == release {
			return i
		}
	}
	return -1
}

// muster counts the tasks of every stage that has not passed. A stage whose gate
// was never open has none.
func (s *Service) muster(ctx context.Context, q store.Queryer, p Project, l line) error {
	for _, r := range l.stored {
		for _, env := range s.topology.roads[p.ID()] {
			key, here := stageKey{r.ID, env.Name}, s.topology.stop(p.ID(), env.Name)
			row := l.rows[key]
			f := StageFacts{Tasks: Tally{}, Missing: here.count()}
			var err error
			if !row.startedAt.IsZero() && !row.state.Passed() {
				if f, err = s.musterStage(ctx, q, key, row, here); err != nil {
					return err
				}
			}
			l.edit(r.ID, env.Name, func(into *StageFacts) {
				into.Tasks, into.Missing, into.Retrying, into.Trouble = f.Tasks, f.Missing, f.Retrying, f.Trouble
			})
		}
	}
	return nil
}

func (s *Service) musterStage(ctx context.Context, q store.Queryer, key stageKey, row storedStage, here stop) (f StageFacts, err error) {
	f.Tasks, f.Retrying, err = loadTally(ctx, q, key)
	if err == nil && row.roster != here.roster {
		f.Tasks, f.Missing, err = musterAgain(ctx, q, key, here, s.topology)
	}
	if err != nil {
		return f, err
	}
	f.Trouble, err = loadTrouble(ctx, q, key, f)
	return f, err
}

// loadFacts reads a project's unfinished line. What others have to be asked for
// is left empty.
func (s *Service) loadFacts(ctx context.Context, q store.Queryer, p Project) (Facts, line, error) {
	l, err := loadLine(ctx, q, unfinishedOf(p.ID()))
	if err != nil {
		return Facts{}, l, err
	}
	if err := s.muster(ctx, q, p, l); err != nil {
		return Facts{}, l, err
	}
	branch, _, err := loadBranch(ctx, q, p.ID())
	if err != nil {
		return Facts{}, l, err
	}
	facts := Facts{
		Now: s.db.Now(), Project: p, Road: s.topology.roads[p.ID()], Targets: map[string]map[string][]string{},
		Refusal: branch.refusal, Line: l.facts,
	}
	for _, env := range facts.Road {
		facts.Targets[env.Name] = s.topology.stop(p.ID(), env.Name).pools
	}
	return facts, l, nil
}
