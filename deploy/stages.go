package deploy

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/store"
)

const stageColumns = `release, environment, state, reasons, needed, counted, rejection, cancelled, started_at, finished_at, roster`

// storedStage is a stage's row: what Decide said last, and what people said.
type storedStage struct {
	release, environment  string
	state                 State
	reasons               []Reason
	needed, counted       int
	rejection             *Rejection
	cancelled             *Cancellation
	startedAt, finishedAt time.Time
	roster                string // of the databases that tasks were made for
}

func readStage(scan store.Scan) (storedStage, error) {
	var s storedStage
	var reasons, rejection, cancelled string
	var started, finished int64
	err := scan(&s.release, &s.environment, &s.state, &reasons, &s.needed, &s.counted,
		&rejection, &cancelled, &started, &finished, &s.roster)
	if err != nil {
		return s, err
	}
	s.startedAt, s.finishedAt = fromMicros(started), fromMicros(finished)
	return s, decodeAll(column{reasons, &s.reasons}, column{rejection, &s.rejection}, column{cancelled, &s.cancelled})
}

func loadStages(ctx context.Context, q store.Queryer, sc scope) ([]storedStage, error) {
	return list(ctx, q, readStage,
		`SELECT `+stageColumns+` FROM deploy_stages WHERE `+sc.releases()+` ORDER BY release, environment`, sc.args...)
}

// saveStage inserts or replaces a stage's row.
func saveStage(ctx context.Context, tx *store.Tx, s storedStage) error {
	reasons, err := encode(s.reasons)
	if err != nil {
		return err
	}
	rejection, err := optional(s.rejection)
	if err != nil {
		return err
	}
	cancelled, err := optional(s.cancelled)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO deploy_stages (`+stageColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (release, environment) DO UPDATE SET
			state = excluded.state, reasons = excluded.reasons, needed = excluded.needed, counted = excluded.counted,
			rejection = excluded.rejection, cancelled = excluded.cancelled,
			started_at = excluded.started_at, finished_at = excluded.finished_at, roster = excluded.roster`,
		s.release, s.environment, s.state, reasons, s.needed, s.counted, rejection, cancelled,
		micros(s.startedAt), micros(s.finishedAt), s.roster)
	return err
}

const approvalColumns = `id, release, environment, hash, actor, despite, source, at, expires_at, standing`

func readApproval(scan store.Scan) (Approval, error) {
	var a Approval
	var actor, standing string
	var at, expires int64
	err := scan(&a.ID, &a.Release, &a.Environment, &a.Hash, &actor, &a.Despite, &a.Source, &at, &expires, &standing)
	if err != nil {
		return a, err
	}
	a.At, a.ExpiresAt = fromMicros(at), fromMicros(expires)
	return a, decodeAll(column{actor, &a.Actor}, column{standing, &a.Standing})
}

func loadApprovals(ctx context.Context, q store.Queryer, sc scope) ([]Approval, error) {
	return list(ctx, q, readApproval,
		`SELECT `+approvalColumns+` FROM deploy_approvals WHERE `+sc.releases()+` ORDER BY at, id`, sc.args...)
}

func insertApproval(ctx context.Context, tx *store.Tx, a Approval) error {
	actor, err := encode(a.Actor)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO deploy_approvals (`+approvalColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '')`,
		a.ID, a.Release, a.Environment, a.Hash, actor, a.Despite, a.Source, micros(a.At), micros(a.ExpiresAt))
	return err
}

// saveStanding keeps how an approval was judged last, for views.
func saveStanding(ctx context.Context, tx *store.Tx, a Approval) error {
	standing, err := encode(a.Standing)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE deploy_approvals SET standing = $2 WHERE id = $1`, a.ID, standing)
	return err
}

const skipColumns = `release, environment, path, version, actor, reason, at`

func readSkip(scan store.Scan) (Skip, error) {
	var s Skip
	var at int64
	err := scan(&s.Release, &s.Environment, &s.Path, &s.Version, &s.Actor, &s.Reason, &at)
	s.At = fromMicros(at)
	return s, err
}

func loadSkips(ctx context.Context, q store.Queryer, sc scope) ([]Skip, error) {
	return list(ctx, q, readSkip,
		`SELECT `+skipColumns+` FROM deploy_skips WHERE `+sc.releases()+` ORDER BY at, path`, sc.args...)
}

// loadProjectSkips reads every skip of a project in one environment.
func loadProjectSkips(ctx context.Context, q store.Queryer, project, environment string) ([]Skip, error) {
	return list(ctx, q, readSkip,
		`SELECT `+skipColumns+` FROM deploy_skips WHERE project = $1 AND environment = $2 ORDER BY at, path`,
		project, environment)
}

func insertSkip(ctx context.Context, tx *store.Tx, project string, s Skip) error {
	_, err := tx.Exec(ctx, `INSERT INTO deploy_skips (`+skipColumns+`, project, version_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		s.Release, s.Environment, s.Path, s.Version, s.Actor, s.Reason, micros(s.At), project, executor.VersionKey(s.Version))
	return err
}
