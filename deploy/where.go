package deploy

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
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

// Of says whether the placement is of a migration.
func (p Placement) Of(m executor.Migration) bool {
	return executor.VersionKey(p.Version) == executor.VersionKey(nameOf(m))
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
			placed, err := s.placements(ctx, p, m)
			if err != nil {
				return err
			}
			found[m.Path] = append(latest(found[m.Path], m), placed...)
		}
		return nil
	})
	return found, err
}

// latest leaves out the placements of an earlier release's text of a migration.
func latest(placed []Placement, m storedMigration) []Placement {
	return slices.DeleteFunc(placed, func(p Placement) bool { return p.Version == m.Version })
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
	seen := make(map[string]outcome, len(outcomes))
	for _, o := range outcomes {
		seen[o.database] = o
	}
	states, err := taskStates(ctx, s.db, m)
	if err != nil {
		return nil, err
	}
	var placed []Placement
	for _, env := range s.topology.roads[p.ID()] {
		stage := l.facts[0].Stages[env.Name]
		for _, name := range s.topology.stop(p.ID(), env.Name).names {
			if !goesTo(targetOf(m.Version), s.topology.databases[name]) {
				continue
			}
			at := Placement{Environment: env.Name, Database: name, Version: m.Version, Path: m.Path, Release: m.release}
			at.State = stage.of(m, states[name])
			if o, ok := seen[name]; ok {
				at.State, at.Checksum, at.At = o.state, o.checksum, o.at
			}
			placed = append(placed, at)
		}
	}
	return placed, nil
}

// of is the state of the release's migration on a database that was not seen to
// hold it: its task's, or the stage's.
func (f StageFacts) of(m storedMigration, task State) State {
	switch {
	case skipped(f.Skips, m.Version, m.Path):
		return Skipped
	case task == Done: // with nothing seen of this migration
		task = ""
	}
	return cmp.Or(task, f.State, Waiting)
}

// taskStates are the states of a release's tasks by database, as far as they speak
// of one migration: a task that failed on another has it still before it.
func taskStates(ctx context.Context, q store.Queryer, m storedMigration) (map[string]State, error) {
	states := map[string]State{}
	rows, err := q.Query(ctx, `SELECT database, state, failure FROM deploy_tasks WHERE release = $1`, m.release)
	if err != nil {
		return nil, err
	}
	_, err = store.Collect(rows, func(scan store.Scan) (none struct{}, err error) {
		var database, text string
		var state State
		if err := scan(&database, &state, &text); err != nil {
			return none, err
		}
		var failure Failure
		if err := decode(text, &failure); err != nil {
			return none, err
		}
		if state == Failed && failure.Version != "" && failure.Version != m.Version {
			state = Waiting
		}
		states[database] = state
		return none, nil
	})
	return states, err
}
