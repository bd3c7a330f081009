package deploy

import (
	"context"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// moveProject rewrites a column that holds project IDs: everything before the
// "@" is replaced. $1 is the old repository with the "@", in lower case, $2 the
// new one. Every table that names a project has its statement here.
var moveProject = []string{
	`UPDATE deploy_projects SET id = CAST($2 AS text) || substr(id, length($1) + 1) WHERE lower(substr(id, 1, length($1))) = $1`,
	`UPDATE deploy_forge_blobs SET project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(substr(project, 1, length($1))) = $1`,
	`UPDATE deploy_releases SET project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(substr(project, 1, length($1))) = $1`,
	`UPDATE deploy_migrations SET project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(substr(project, 1, length($1))) = $1`,
	`UPDATE deploy_edits SET project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(substr(project, 1, length($1))) = $1`,
	`UPDATE deploy_skips SET project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(substr(project, 1, length($1))) = $1`,
	`UPDATE deploy_tasks SET project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(substr(project, 1, length($1))) = $1`,
	`UPDATE deploy_outcomes SET project = CAST($2 AS text) || substr(project, length($1) + 1) WHERE lower(substr(project, 1, length($1))) = $1`,
}

// MoveRepository gives everything of one repository to another name of it, in
// the caller's transaction: the operator has written a renamed repository's new
// name into the configuration. Cursors, releases and their ways stay as they
// are; the audit keeps the old name and says what happened. Conflict while a
// task runs, or when the new name has releases of its own.
func (s *Service) MoveRepository(ctx context.Context, tx *store.Tx, from, to string) error {
	old := strings.ToLower(from) + "@"
	var running, taken int
	err := tx.QueryRow(ctx, `SELECT
		(SELECT count(*) FROM deploy_tasks WHERE state = 'running' AND lower(substr(project, 1, length($1))) = $1),
		(SELECT count(*) FROM deploy_releases WHERE lower(repository) = $2)`, old, strings.ToLower(to)).Scan(&running, &taken)
	switch {
	case err != nil:
		return err
	case running > 0:
		return fault.New(fault.Conflict, "a task of %s is running", from).Then("it is tried again when that has ended")
	case taken > 0:
		return fault.New(fault.Conflict, "%s has releases of its own", to)
	}
	// What a process made there that did not know yet holds no release.
	if _, err := tx.Exec(ctx, `DELETE FROM deploy_projects WHERE lower(substr(id, 1, length($1))) = $1`, strings.ToLower(to)+"@"); err != nil {
		return err
	}
	for _, statement := range moveProject {
		if _, err := tx.Exec(ctx, statement, old, to+"@"); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE deploy_releases SET repository = $2 WHERE lower(repository) = $1`, strings.ToLower(from), to); err != nil {
		return err
	}
	return audit(ctx, tx, note{action: "move_repository", project: to, actor: machine, data: map[string]string{"from": from, "to": to}})
}
