package deploy

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Placement is where a migration stands on one database.
type Placement struct {
	Environment string
	Database    string
	State       State // Done, Skipped, Ambiguous, Failed, Running, Queued or Waiting
	Version     string
	Path        string
	Checksum    string // of the text that stands there, when Done
	Release     string
	At          time.Time
}

// Where says, for each path that the project released, where it stands; paths
// that ShipSQL never released are absent.
func (s *Service) Where(ctx context.Context, projectID string, paths []string) (map[string][]Placement, error) {
	p, err := s.project(projectID)
	if err != nil {
		return nil, err
	}
	found := map[string][]Placement{}
	err = inChunks(slices.Compact(slices.Sorted(slices.Values(paths))), 2, func(placeholders string, args []any) error {
		rows, err := list(ctx, s.db, readMigration, `SELECT `+migrationColumns+` FROM deploy_migrations
			WHERE project = $1 AND NOT withdrawn AND path IN (`+placeholders+`) ORDER BY release, n`,
			append([]any{projectID}, args...)...)
		if err != nil {
			return err
		}
		for _, m := range rows {
			if found[m.Path], err = s.placements(ctx, p, m); err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

// placements looks for one migration on every database of the project's road.
func (s *Service) placements(ctx context.Context, p Project, m storedMigration) ([]Placement, error) {
	l, err := loadLine(ctx, s.db, onlyRelease(m.release))
	if err != nil {
		return nil, err
	}
	outcomes, err := loadOutcomes(ctx, s.db, p.ID(), m.Version)
	if err != nil {
		return nil, err
	}
	var placed []Placement
	for _, env := range s.cfg.Road(p) {
		for _, d := range s.cfg.Targets(p, env.Name) {
			at := Placement{Environment: env.Name, Database: d.Name, Version: m.Version, Path: m.Path, Release: m.release}
			at.State = l.stateOn(m, env.Name, d.Name)
			for _, o := range outcomes {
				if o.database == d.Name {
					at.State, at.Checksum, at.At = o.state, o.checksum, o.at
				}
			}
			placed = append(placed, at)
		}
	}
	return placed, nil
}

// stateOn is the state of the release's migration on a database that was not
// seen to hold it: its task's, or the stage's.
func (l line) stateOn(m storedMigration, environment, database string) State {
	facts := l.facts[0].Stages[environment]
	if skipped(facts.Skips, m.Version, m.Path) {
		return Skipped
	}
	for _, t := range facts.Tasks {
		if t.Database != database || t.State == Done {
			continue
		}
		if t.State == Failed && t.Failure != nil && t.Failure.Version != "" && t.Failure.Version != m.Version {
			return Waiting // another file of the release failed
		}
		return t.State
	}
	return cmp.Or(facts.State, Waiting)
}
