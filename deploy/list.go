package deploy

import (
	"context"
	"slices"
)

// Listing says which releases List returns.
type Listing struct {
	Project string // Project.ID; "" means every project
	State   State  // of the rollout; "" means any
	Limit   int    // at most so many, up to 1000; 0 means 20
}

// Listed is a release as a list shows it; Rollout tells the rest.
type Listed struct {
	Release Release
	State   State
	Stages  []StageLine // in rollout order
}

// StageLine is a stage in a few words.
type StageLine struct {
	Environment string
	State       State
	Databases   int
	Passed      int    // databases that are done or skipped
	Reason      Reason // the first thing in the way; zero when there is none
}

// listPage is how many releases are read at once while List looks for a state.
const listPage = 100

// List returns releases of all or one project, newest first.
func (s *Service) List(ctx context.Context, l Listing) ([]Listed, error) {
	if l.Project != "" {
		if _, err := s.project(l.Project); err != nil {
			return nil, err
		}
	}
	if l.Limit == 0 {
		l.Limit = 20
	}
	l.Limit = min(max(l.Limit, 1), 1000)
	var found []Listed
	for before := ""; len(found) < l.Limit; {
		ids, err := s.listIDs(ctx, l, before)
		if err != nil || len(ids) == 0 {
			return found, err
		}
		page, err := s.listed(ctx, ids)
		if err != nil {
			return found, err
		}
		for _, r := range page {
			if len(found) < l.Limit && (l.State == "" || r.State == l.State) {
				found = append(found, r)
			}
		}
		before = ids[len(ids)-1]
	}
	return found, nil
}

// listIDs are the ids of the page behind one, newest first. What has passed and
// what has not is told apart here already, so that looking for what failed does
// not read all of history.
func (s *Service) listIDs(ctx context.Context, l Listing, before string) ([]string, error) {
	page := listPage
	if l.State == "" {
		page = min(l.Limit, listPage)
	}
	return list(ctx, s.db, text, `SELECT id FROM deploy_releases
		WHERE ($1 = '' OR project = $1) AND ($2 = '' OR id < $2) AND ($3 = 0 OR (finished_at <> 0) = ($3 = 1))
		ORDER BY id DESC LIMIT $4`, l.Project, before, l.finished(), page)
}

// finished is 1 for releases that have passed, 2 for others, 0 for both.
func (l Listing) finished() int {
	switch {
	case l.State == "":
		return 0
	case l.State.Passed():
		return 1
	}
	return 2
}

func (s *Service) listed(ctx context.Context, ids []string) ([]Listed, error) {
	var page []Listed
	err := inChunks(ids, 1, func(placeholders string, args []any) error {
		rollouts, err := s.rollouts(ctx, scope{"id IN (" + placeholders + ")", args}, 0)
		for _, r := range rollouts {
			page = append(page, r.listed())
		}
		return err
	})
	slices.SortFunc(page, func(a, b Listed) int { return slices.Index(ids, a.Release.ID) - slices.Index(ids, b.Release.ID) })
	return page, err
}

func (r Rollout) listed() Listed {
	l := Listed{Release: r.Release, State: r.State}
	for _, stage := range r.Stages {
		line := StageLine{
			Environment: stage.Environment, State: stage.State,
			Databases: max(len(stage.Databases), stage.Total()), Passed: stage.Passed(),
		}
		if len(stage.Reasons) > 0 {
			line.Reason = stage.Reasons[0]
		}
		l.Stages = append(l.Stages, line)
	}
	return l
}
