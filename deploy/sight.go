package deploy

import (
	"context"
	"sync"

	"github.com/shipsql/shipsql/store"
)

// sight is a project's line as it stood at one revision, with what its tasks run.
// It holds as long as the project is at that revision, because every decision
// moves the revision on; whether it still is, a task asks in the transaction that
// starts it. So a task among ten thousand needs not read the line again, and no
// decision is missed.
//
// The tasks' counts in it may be old: nothing moves the revision on when a task
// ends. That errs to the safe side, for what is done stays done and a task is
// queued by a decision only.
type sight struct {
	revision int64
	facts    Facts // without what others are asked for

	mu   sync.Mutex
	runs map[stageKey]stageRun
}

// sights are the latest of each project.
type sights struct {
	mu sync.Mutex
	of map[string]*sight
}

// look returns what is known of a project's line, from memory if it was read
// before and not forgotten.
func (s *Service) look(ctx context.Context, p Project) (*sight, error) {
	s.sights.mu.Lock() // over the reading too: all workers want the same
	defer s.sights.mu.Unlock()
	if seen := s.sights.of[p.ID()]; seen != nil {
		return seen, nil
	}
	// The revision is read first: what is read behind it may be newer, and is then
	// found to be at another revision.
	revision, err := loadRevision(ctx, s.db, p.ID())
	if err != nil {
		return nil, err
	}
	seen := &sight{revision: revision, runs: map[stageKey]stageRun{}}
	if seen.facts, _, err = s.loadFacts(ctx, s.db, p); err != nil {
		return nil, err
	}
	if s.sights.of == nil {
		s.sights.of = map[string]*sight{}
	}
	s.sights.of[p.ID()] = seen
	return seen, nil
}

// forget makes the next look read again, unless somebody did already.
func (s *Service) forget(p Project, seen *sight) {
	s.sights.mu.Lock()
	defer s.sights.mu.Unlock()
	if s.sights.of[p.ID()] == seen {
		delete(s.sights.of, p.ID())
	}
}

// runOf is what the tasks of a stage have in common.
func (s *Service) runOf(ctx context.Context, p Project, seen *sight, key stageKey) (stageRun, error) {
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if run, known := seen.runs[key]; known {
		return run, nil
	}
	run, err := s.buildRun(ctx, s.db, p, key)
	if err == nil {
		seen.runs[key] = run
	}
	return run, err
}

// release finds a release of the line.
func (f Facts) release(id string) (LineFacts, bool) {
	for _, l := range f.Line {
		if l.Release.ID == id {
			return l, true
		}
	}
	return LineFacts{}, false
}

func loadRevision(ctx context.Context, q store.Queryer, project string) (int64, error) {
	found, err := list(ctx, q, func(scan store.Scan) (n int64, err error) { return n, scan(&n) },
		`SELECT revision FROM deploy_projects WHERE id = $1`, project)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0], nil
}
