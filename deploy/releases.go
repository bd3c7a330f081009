package deploy

import (
	"cmp"
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
)

const releaseColumns = `id, project, repository, seq, merge_commit, pull_request, title, author, people, hash,
	folder, problems, review, merged_at, created_at, finished_at, layout`

// storedRelease is a release with what only the store needs.
type storedRelease struct {
	Release

	repository string
	folder     string
	layout     string // that the folder was read in
	finished   bool
}

func readRelease(scan store.Scan) (storedRelease, error) {
	var r storedRelease
	var people, problems, review string
	var merged, created, finished int64
	err := scan(&r.ID, &r.Project, &r.repository, &r.Seq, &r.MergeCommit, &r.PullRequest, &r.Title, &r.Author,
		&people, &r.Hash, &r.folder, &problems, &review, &merged, &created, &finished, &r.layout)
	if err != nil {
		return r, err
	}
	r.MergedAt, r.CreatedAt, r.finished = fromMicros(merged), fromMicros(created), finished != 0
	return r, decodeAll(column{people, &r.People}, column{problems, &r.Problems}, column{review, &r.Review})
}

// loadReleases reads the scope's releases with their migrations, in merge order.
func loadReleases(ctx context.Context, q store.Queryer, sc scope) ([]storedRelease, error) {
	releases, err := list(ctx, q, readRelease,
		`SELECT `+releaseColumns+` FROM deploy_releases WHERE `+sc.where+` ORDER BY project, seq`, sc.args...)
	if err != nil {
		return nil, err
	}
	migrations, err := list(ctx, q, readMigration,
		`SELECT `+migrationColumns+` FROM deploy_migrations WHERE `+sc.releases()+` ORDER BY release, n`, sc.args...)
	if err != nil {
		return nil, err
	}
	byRelease := map[string][]Migration{}
	for _, m := range migrations {
		byRelease[m.release] = append(byRelease[m.release], m.Migration)
	}
	for i := range releases {
		releases[i].Migrations = byRelease[releases[i].ID]
	}
	return releases, nil
}

func insertRelease(ctx context.Context, tx *store.Tx, r storedRelease) error {
	people, err := encode(r.People)
	if err != nil {
		return err
	}
	problems, err := encode(r.Problems)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO deploy_releases (`+releaseColumns+`, review_report)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, '', $13, $14, 0, $15, '')`,
		r.ID, r.Project, r.repository, r.Seq, r.MergeCommit, r.PullRequest, r.Title, r.Author, people, r.Hash,
		r.folder, problems, micros(r.MergedAt), micros(r.CreatedAt), r.layout)
	if err != nil {
		return err
	}
	return insertMigrations(ctx, tx, r.Release)
}

// updateRelease stores what may change of a release: its hash and problems.
func updateRelease(ctx context.Context, tx *store.Tx, r Release) error {
	problems, err := encode(r.Problems)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE deploy_releases SET hash = $2, problems = $3 WHERE id = $1`, r.ID, r.Hash, problems)
	return err
}

// finishRelease marks a release as passed everywhere. Its folder is let go: it
// is needed only for tasks, and a thousand releases of a big folder would fill
// the store.
func finishRelease(ctx context.Context, tx *store.Tx, id string) error {
	_, err := tx.Exec(ctx, `UPDATE deploy_releases SET finished_at = $2, folder = '' WHERE id = $1`, id, micros(tx.Now()))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM deploy_folders
		WHERE NOT EXISTS (SELECT 1 FROM deploy_releases r WHERE r.finished_at = 0 AND r.folder = deploy_folders.id)`)
	return err
}

const migrationColumns = `release, n, project, version, name, change_kind, path, checksum, blob, statements, edited_by, withdrawn, broken, kind`

// storedMigration is a migration with its place.
type storedMigration struct {
	Migration

	release string
	n       int
	project string
}

func readMigration(scan store.Scan) (storedMigration, error) {
	var m storedMigration
	err := scan(&m.release, &m.n, &m.project, &m.Version, &m.Name, &m.Change, &m.Path, &m.Checksum, &m.Blob,
		&m.Statements, &m.EditedBy, &m.Withdrawn, &m.Broken, &m.Kind)
	return m, err
}

func insertMigrations(ctx context.Context, tx *store.Tx, r Release) error {
	for n, m := range r.Migrations {
		_, err := tx.Exec(ctx, `INSERT INTO deploy_migrations (`+migrationColumns+`, version_key)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
			r.ID, n, r.Project, m.Version, m.Name, m.Change, m.Path, m.Checksum, m.Blob,
			m.Statements, m.EditedBy, m.Withdrawn, m.Broken, cmp.Or(m.Kind, string(executor.Versioned)), executor.VersionKey(m.Version))
		if err != nil {
			return err
		}
	}
	return nil
}

// updateMigration stores an edit of one migration.
func updateMigration(ctx context.Context, tx *store.Tx, release string, n int, m Migration) error {
	_, err := tx.Exec(ctx, `UPDATE deploy_migrations
		SET name = $3, change_kind = $4, path = $5, checksum = $6, blob = $7, statements = $8,
		    edited_by = $9, withdrawn = $10, broken = $11
		WHERE release = $1 AND n = $2`,
		release, n, m.Name, m.Change, m.Path, m.Checksum, m.Blob, m.Statements, m.EditedBy, m.Withdrawn, m.Broken)
	return err
}
