package deploy

import (
	"context"
	"maps"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
)

// recordAll makes the releases of merges, in order; a merge commit that has one
// already is left alone.
func (s *Service) recordAll(ctx context.Context, tx *store.Tx, p Project, merges []merge) ([]Release, error) {
	made, err := mergedBefore(ctx, tx, p.ID(), merges)
	if err != nil {
		return nil, err
	}
	for _, m := range merges {
		if slices.ContainsFunc(made, func(r Release) bool { return r.MergeCommit == m.MergeCommit }) {
			continue
		}
		r, err := s.record(ctx, tx, p, m)
		if err != nil {
			return nil, err
		}
		made = append(made, r)
	}
	return made, nil
}

// record makes one release: its files stored, its migrations and problems found,
// and what it changes of earlier releases carried out.
func (s *Service) record(ctx context.Context, tx *store.Tx, p Project, m merge) (Release, error) {
	before, err := loadPast(ctx, tx, p.ID(), m.PullRequest)
	if err != nil {
		return Release{}, err
	}
	in := inspect(m, before, s.policyOf(p))
	folder, err := s.storeFiles(ctx, tx, p, m)
	if err != nil {
		return Release{}, err
	}
	r := storedRelease{repository: p.Repository, folder: folder, layout: m.layout.Name, Release: Release{
		ID: s.ids.At(tx.Now()), Project: p.ID(), MergeCommit: m.MergeCommit, PullRequest: m.PullRequest,
		Title: m.Title, Author: m.Author, People: m.People, MergedAt: m.MergedAt, CreatedAt: tx.Now(),
		Migrations: in.migrations, Problems: in.problems, Hash: ContentHash(p.ID(), in.migrations),
	}}
	err = tx.QueryRow(ctx, `SELECT coalesce(max(seq), 0) + 1 FROM deploy_releases WHERE project = $1`, p.ID()).Scan(&r.Seq)
	if err != nil {
		return Release{}, err
	}
	if err := insertRelease(ctx, tx, r); err != nil {
		return Release{}, err
	}
	if err := s.carryOut(ctx, tx, p, in, r.Release); err != nil {
		return Release{}, err
	}
	n := note{action: "release", project: p.ID(), release: r.ID, actor: machine, data: map[string]any{
		"merge_commit": r.MergeCommit, "pull_request": r.PullRequest, "hash": r.Hash, "problems": len(r.Problems),
	}}
	if err := audit(ctx, tx, n); err != nil {
		return Release{}, err
	}
	c := Change{Kind: ReleaseRecorded, Project: p, Release: r.ID, PullRequest: r.PullRequest}
	if err := s.changed(ctx, tx, c); err != nil {
		return Release{}, err
	}
	return r.Release, s.reviewNeeded(ctx, tx, p, r.Release)
}

// policyOf is what the configuration says about the project's folder.
func (s *Service) policyOf(p Project) policy {
	return policy{dir: p.Path, outOfOrder: p.OutOfOrder, reaches: func(to executor.Destination) bool {
		return slices.ContainsFunc(s.cfg.Databases, func(d Database) bool { return p.Selects(d) && goesTo(to, d) })
	}}
}

// carryOut applies the accepted edits and ends the problems that the merge
// fixes.
func (s *Service) carryOut(ctx context.Context, tx *store.Tx, p Project, in inspection, by Release) error {
	for _, e := range in.edits {
		if err := s.applyEdit(ctx, tx, p, e, by); err != nil {
			return err
		}
	}
	for _, path := range in.answered {
		answer := Answered{By: "merge of " + by.Label(), Verb: VerbMerge, Release: by.ID}
		if err := answerProblems(ctx, tx, p.ID(), path, answer); err != nil {
			return err
		}
	}
	return nil
}

// storeFiles keeps what the store lacks of a folder, and the folder itself.
func (s *Service) storeFiles(ctx context.Context, tx *store.Tx, p Project, m merge) (folder string, err error) {
	for _, id := range slices.Sorted(maps.Keys(m.contents)) {
		if err := insertBlob(ctx, tx, id, m.contents[id]); err != nil {
			return "", err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.forge)) {
		if err := insertForgeBlob(ctx, tx, p.ID(), name, m.forge[name]); err != nil {
			return "", err
		}
	}
	return insertFolder(ctx, tx, m.folder)
}

// loadPast reads what a project released so far. A ledger may hold a version
// when it was seen to, or while a task that runs it has an unknown outcome.
func loadPast(ctx context.Context, q store.Queryer, project string, pullRequest int) (past, error) {
	var p past
	var err error
	p.released, err = list(ctx, q, readReleased, `SELECT `+migrationColumns+`,
		(SELECT count(*) FROM deploy_outcomes o
			WHERE o.project = m.project AND o.version_key = m.version_key AND o.state = 'done')
		+ (SELECT count(*) FROM deploy_tasks t
			WHERE t.release = m.release AND t.state IN ('running', 'ambiguous'))
		FROM deploy_migrations m WHERE m.project = $1 ORDER BY m.release, m.n`, project)
	if err != nil {
		return p, err
	}
	edits, err := loadEdits(ctx, q, project)
	if err != nil {
		return p, err
	}
	for _, e := range edits {
		p.edits = append(p.edits, e.Edit)
	}
	p.preaccepted, err = loadPreaccepted(ctx, q, project, pullRequest)
	return p, err
}

func readReleased(scan store.Scan) (released, error) {
	var touched int
	m, err := readMigration(func(dest ...any) error { return scan(append(dest, &touched)...) })
	// What can't be applied was not: a ledger with its version holds another file.
	return released{Migration: m.Migration, release: m.release, n: m.n, touched: touched > 0 && !m.Broken}, err
}

// reviewNeeded asks for a review of the release's present text. A release that
// has nothing left to run needs none.
func (s *Service) reviewNeeded(ctx context.Context, tx *store.Tx, p Project, r Release) error {
	return s.changed(ctx, tx, Change{Kind: ReviewNeeded, Project: p, Release: r.ID, PullRequest: r.PullRequest})
}
