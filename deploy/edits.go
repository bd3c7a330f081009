package deploy

import (
	"context"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
)

const editColumns = `project, path, version, before_checksum, after_checksum, pull_request, actor, reason, at`

// storedEdit is an edit with the place of its text.
type storedEdit struct {
	Edit

	blob string
}

func readEdit(scan store.Scan) (storedEdit, error) {
	var e storedEdit
	var at int64
	err := scan(&e.Project, &e.Path, &e.Version, &e.Before, &e.After, &e.PullRequest, &e.Actor, &e.Reason, &at, &e.blob)
	e.At = fromMicros(at)
	return e, err
}

// loadEdits reads the edits that count for a project, oldest first.
func loadEdits(ctx context.Context, q store.Queryer, project string) ([]storedEdit, error) {
	return list(ctx, q, readEdit,
		`SELECT `+editColumns+`, blob FROM deploy_edits WHERE project = $1 AND merged ORDER BY id`, project)
}

// loadPreaccepted reads the edits accepted on a pull request before its merge,
// by path; the latest word on a path holds.
func loadPreaccepted(ctx context.Context, q store.Queryer, project string, pullRequest int) (map[string]Edit, error) {
	byPath := map[string]Edit{}
	if pullRequest == 0 {
		return byPath, nil
	}
	edits, err := list(ctx, q, readEdit, `SELECT `+editColumns+`, blob FROM deploy_edits
		WHERE project = $1 AND pull_request = $2 AND NOT merged ORDER BY id`, project, pullRequest)
	for _, e := range edits {
		byPath[e.Path] = e.Edit
	}
	return byPath, err
}

// AcceptedEdits are the edits accepted on an open pull request, by path; an
// edit holds only while the file's checksum at the head is Edit.After.
func (s *Service) AcceptedEdits(ctx context.Context, projectID string, pullRequest int) (map[string]Edit, error) {
	return loadPreaccepted(ctx, s.db, projectID, pullRequest)
}

func (s *Service) insertEdit(ctx context.Context, tx *store.Tx, e storedEdit, merged bool) error {
	_, err := tx.Exec(ctx, `INSERT INTO deploy_edits (`+editColumns+`, blob, merged, version_key, id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		e.Project, e.Path, e.Version, e.Before, e.After, e.PullRequest, e.Actor, e.Reason, micros(e.At),
		e.blob, merged, executor.VersionKey(e.Version), s.ids.At(tx.Now()))
	return err
}

// applyEdit makes a merged edit count: it is recorded, and the unfinished
// release that brought the version gets the new text, so that the version still
// runs in its place in the line. The release's hash changes with it: it is
// reviewed and approved anew.
func (s *Service) applyEdit(ctx context.Context, tx *store.Tx, p Project, e acceptedEdit, by Release) error {
	e.Project, e.At = p.ID(), tx.Now()
	// A file that never counted leaves nothing for its version when it goes: the
	// version may be another file's.
	if e.owner == nil || !e.owner.Broken || e.After != "" {
		if err := s.insertEdit(ctx, tx, storedEdit{e.Edit, e.text.Blob}, true); err != nil {
			return err
		}
	}
	n := note{action: "edit", project: p.ID(), release: by.ID, actor: machine, data: e.Edit}
	if err := audit(ctx, tx, n); err != nil || e.owner == nil {
		return err
	}
	owners, err := loadReleases(ctx, tx, onlyRelease(e.owner.release))
	if err != nil || len(owners) == 0 || owners[0].finished {
		return err
	}
	owner := owners[0].Release
	m := &owner.Migrations[e.owner.n]
	if e.After == "" {
		m.Withdrawn = true
	} else {
		*m = e.text
		m.EditedBy = by.ID
	}
	if err := updateMigration(ctx, tx, owner.ID, e.owner.n, *m); err != nil {
		return err
	}
	owner.Hash = ContentHash(owner.Project, owner.Migrations)
	if err := updateRelease(ctx, tx, owner); err != nil {
		return err
	}
	if err := s.reopenFailed(ctx, tx, owner.ID, e.Version); err != nil {
		return err
	}
	return s.reviewNeeded(ctx, tx, p, owner)
}

// reopenFailed lets the tasks that failed on a version wait for their gate
// again, because the version's text or fate is another now.
func (s *Service) reopenFailed(ctx context.Context, tx *store.Tx, release, version string) error {
	for after := ""; ; {
		tasks, err := list(ctx, tx, readTask, `SELECT `+taskColumns+` FROM deploy_tasks
			WHERE release = $1 AND state = 'failed' AND id > $2 ORDER BY id LIMIT $3`, release, after, chunk)
		if err != nil || len(tasks) == 0 {
			return err
		}
		for _, t := range tasks {
			if t.Failure == nil || executor.VersionKey(t.Failure.Version) != executor.VersionKey(version) {
				continue
			}
			if err := saveTasks(ctx, tx, t.reopened()); err != nil {
				return err
			}
		}
		after = tasks[len(tasks)-1].ID
	}
}

// reopened is the task waiting for its gate as if it had not been tried.
func (t storedTask) reopened() storedTask {
	t.State, t.StartedAt, t.FinishedAt, t.RetryAt = Waiting, fromMicros(0), fromMicros(0), fromMicros(0)
	t.Failure = nil
	return t
}

// answerProblems ends the open problems about a path in the project's
// unfinished releases.
func answerProblems(ctx context.Context, tx *store.Tx, project, path string, answer Answered) error {
	releases, err := loadReleases(ctx, tx, unfinishedOf(project))
	if err != nil {
		return err
	}
	answer.At = tx.Now()
	for _, r := range releases {
		open := func(p Problem) bool { return p.Path == path && p.Answer == nil }
		if !slices.ContainsFunc(r.Problems, open) {
			continue
		}
		for i := range r.Problems {
			if open(r.Problems[i]) {
				r.Problems[i].Answer = &answer
			}
		}
		if err := updateRelease(ctx, tx, r.Release); err != nil {
			return err
		}
	}
	return nil
}
