package deploy

import (
	"context"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Release is one release; fault.NotFound when there is none.
func (s *Service) Release(ctx context.Context, releaseID string) (Release, error) {
	found, err := loadReleases(ctx, s.db, onlyRelease(releaseID))
	if err != nil {
		return Release{}, err
	}
	if len(found) == 0 {
		return Release{}, noRelease(releaseID)
	}
	return found[0].Release, nil
}

func noRelease(id string) error {
	return fault.New(fault.NotFound, "there is no release %q", id).Then("list them with shipsql release list")
}

// Rollout is one release's way; fault.NotFound when there is none.
func (s *Service) Rollout(ctx context.Context, releaseID string) (Rollout, error) {
	rollouts, err := s.rollouts(ctx, onlyRelease(releaseID), MaxTasks)
	if err != nil {
		return Rollout{}, err
	}
	if len(rollouts) == 0 {
		return Rollout{}, noRelease(releaseID)
	}
	return rollouts[0], nil
}

// RolloutsOfPR are the rollouts of a merged pull request, oldest first within
// each project; empty before the merge. repository is provider/owner/name.
func (s *Service) RolloutsOfPR(ctx context.Context, repository string, pullRequest int) ([]Rollout, error) {
	if pullRequest == 0 {
		return nil, nil
	}
	return s.rollouts(ctx, ofPullRequest(repository, pullRequest), MaxTasks)
}

// Earlier are the unfinished rollouts of a project, oldest first and without
// their tasks, before the given release; with releaseID "" all of them (what the next pull request
// has before it). Those with PullRequest 0 have no pull request to show on.
func (s *Service) Earlier(ctx context.Context, projectID, releaseID string) ([]Rollout, error) {
	if releaseID == "" {
		return s.rollouts(ctx, unfinishedOf(projectID), 0)
	}
	return s.rollouts(ctx, scope{
		"project = $1 AND finished_at = 0 AND seq < (SELECT seq FROM deploy_releases r WHERE r.id = $2)",
		[]any{projectID, releaseID},
	}, 0)
}

// Releases lists a project's releases, newest first, at most limit (1–1000).
func (s *Service) Releases(ctx context.Context, projectID string, limit int) ([]Release, error) {
	limit = min(max(limit, 1), 1000)
	stored, err := loadReleases(ctx, s.db, scope{
		"project = $1 AND seq > (SELECT coalesce(max(seq), 0) - $2 FROM deploy_releases r WHERE r.project = $1)",
		[]any{projectID, limit},
	})
	releases := make([]Release, len(stored))
	for i, r := range stored {
		releases[len(stored)-1-i] = r.Release
	}
	return releases, err
}

// rollouts builds the views of a scope's releases, with so many tasks of each
// stage.
func (s *Service) rollouts(ctx context.Context, sc scope, tasks int) ([]Rollout, error) {
	l, err := loadLine(ctx, s.db, sc)
	if err != nil {
		return nil, err
	}
	refusals := map[string]*Refusal{}
	var rollouts []Rollout
	for i, r := range l.stored {
		if _, known := refusals[r.Project]; !known {
			b, _, err := loadBranch(ctx, s.db, r.Project)
			if err != nil {
				return nil, err
			}
			refusals[r.Project] = b.refusal
		}
		stages, err := s.stagesOf(ctx, l, i, tasks)
		if err != nil {
			return nil, err
		}
		rollouts = append(rollouts, Rollout{Release: r.Release, State: rolloutState(stages), Stages: stages, Refusal: refusals[r.Project]})
	}
	return rollouts, nil
}

// stagesOf shows a release's stages: the project's road as configured now, and
// environments that were on it when the release passed them.
func (s *Service) stagesOf(ctx context.Context, l line, i, tasks int) ([]Stage, error) {
	facts, finished := l.facts[i], l.stored[i].finished
	road := slices.Clone(s.topology.roads[facts.Release.Project])
	for _, env := range s.cfg.Environments {
		_, happened := facts.Stages[env.Name]
		if happened && !slices.ContainsFunc(road, func(e Environment) bool { return e.Name == env.Name }) {
			road = append(road, env)
		}
	}
	var stages []Stage
	for _, env := range road {
		row, decided := l.rows[stageKey{facts.Release.ID, env.Name}]
		if !decided && finished {
			continue // the environment joined the road later
		}
		stage := s.stageView(facts, env, row)
		if !row.startedAt.IsZero() {
			if err := s.showTasks(ctx, &stage, stageKey{facts.Release.ID, env.Name}, tasks); err != nil {
				return nil, err
			}
		}
		stages = append(stages, stage)
	}
	return stages, nil
}

func (s *Service) stageView(l LineFacts, env Environment, row storedStage) Stage {
	facts := l.Stages[env.Name]
	return Stage{
		Environment: env.Name, Mode: env.Rollout, State: l.state(env.Name), Reasons: row.reasons,
		Approvals: facts.Approvals, Needed: row.needed, Counted: row.counted,
		Approvers: slices.Concat(env.Approvals.Users, env.Approvals.Teams),
		Databases: s.topology.stop(l.Release.Project, env.Name).names,
		Skips:     facts.Skips, StartedAt: row.startedAt, FinishedAt: row.finishedAt,
	}
}

// showTasks counts a stage's tasks and reads the first of them: all when there are
// few, else by how much they need a person.
func (s *Service) showTasks(ctx context.Context, stage *Stage, key stageKey, most int) error {
	tally, retrying, err := loadTally(ctx, s.db, key)
	if err != nil {
		return err
	}
	if most > 0 && tally.Total() <= most {
		stage.Tasks, err = tasksOf(list(ctx, s.db, readTask, `SELECT `+taskColumns+` FROM deploy_tasks
			WHERE release = $1 AND environment = $2 ORDER BY database`, key.release, key.environment))
		return err
	}
	stage.Counts = tally.States()
	for _, state := range []State{Ambiguous, Failed, Cancelled, Running, Queued, Waiting, Done, Skipped} {
		room := most - len(stage.Tasks)
		if stage.Counts[state] == 0 || room == 0 {
			continue
		}
		// Of the queued, those that are tried again are the ones to look at.
		found, err := tasksOf(loadStageTasks(ctx, s.db, key, state, state == Queued && retrying > 0, room))
		if err != nil {
			return err
		}
		stage.Tasks = append(stage.Tasks, found...)
	}
	return nil
}

func tasksOf(stored []storedTask, err error) ([]Task, error) {
	tasks := make([]Task, len(stored))
	for i, t := range stored {
		tasks[i] = t.Task
	}
	return tasks, err
}

// Files are the release's own migrations as they would run now (edits in,
// withdrawn and broken ones out), with their text: what RecordReview judges.
func (s *Service) Files(ctx context.Context, releaseID string) ([]executor.File, error) {
	r, err := s.Release(ctx, releaseID)
	if err != nil {
		return nil, err
	}
	stored, err := loadReleases(ctx, s.db, onlyRelease(releaseID))
	if err != nil || len(stored) == 0 {
		return nil, err
	}
	p, err := s.project(r.Project)
	if err != nil {
		return nil, err
	}
	return s.runnable(ctx, p, stored[0], r.Migrations)
}

// runnable reads the texts of a release's migrations that can run, in order.
func (s *Service) runnable(ctx context.Context, p Project, r storedRelease, migrations []Migration) ([]executor.File, error) {
	b := s.bookOf(p, r)
	if r.folder != "" { // let go of once the release is finished
		var err error
		if b.folder, err = loadFolder(ctx, s.db, r.folder); err != nil {
			return nil, err
		}
	}
	read, err := b.read(ctx, s.db, slices.DeleteFunc(slices.Clone(migrations), func(m Migration) bool { return m.Withdrawn || m.Broken }))
	files := make([]executor.File, len(read))
	for i, m := range read {
		files[i] = executor.File{Path: m.Path, Content: []byte(m.SQL), Form: m.Form}
	}
	return files, err
}

// Pending are the migrations that will run in the environment before the given
// release (releaseID "": before whatever is merged next), in order: the
// reviewer's Before. environment "" means the last one of the project's road.
func (s *Service) Pending(ctx context.Context, projectID, environment, releaseID string) ([]executor.File, error) {
	p, err := s.project(projectID)
	if err != nil {
		return nil, err
	}
	if environment == "" {
		road := s.topology.roads[projectID]
		environment = road[len(road)-1].Name // Validate: every project has one
	}
	l, err := loadLine(ctx, s.db, unfinishedOf(projectID))
	if err != nil {
		return nil, err
	}
	var pending []executor.File
	for i, facts := range l.facts {
		if facts.Release.ID == releaseID {
			break
		}
		if !facts.state(environment).Passed() {
			files, err := s.runnable(ctx, p, l.stored[i], facts.pending(environment))
			if err != nil {
				return nil, err
			}
			pending = append(pending, files...)
		}
	}
	return pending, nil
}

// Status is a project at a glance.
type Status struct {
	Project    Project
	Cursor     string
	Refusal    *Refusal
	Unfinished []Rollout          // oldest first
	Newest     map[string]Release // environment → newest release that passed it
}

// Status says where a project stands.
func (s *Service) Status(ctx context.Context, projectID string) (Status, error) {
	p, err := s.project(projectID)
	if err != nil {
		return Status{}, err
	}
	b, _, err := loadBranch(ctx, s.db, projectID)
	if err != nil {
		return Status{}, err
	}
	status := Status{Project: p, Cursor: b.cursor, Refusal: b.refusal, Newest: map[string]Release{}}
	if status.Unfinished, err = s.Earlier(ctx, projectID, ""); err != nil {
		return status, err
	}
	for _, env := range s.topology.roads[projectID] {
		newest, err := loadReleases(ctx, s.db, scope{`id = (SELECT r.id FROM deploy_releases r
			JOIN deploy_stages st ON st.release = r.id AND st.environment = $2 AND st.state IN ('done', 'skipped')
			WHERE r.project = $1 ORDER BY r.seq DESC LIMIT 1)`, []any{projectID, env.Name}})
		if err != nil {
			return status, err
		}
		if len(newest) > 0 {
			status.Newest[env.Name] = newest[0].Release
		}
	}
	return status, nil
}
