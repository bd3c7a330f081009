package deploy

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// AuditRow is one decision, chained to the one before it.
type AuditRow struct {
	Seq         int64
	At          time.Time
	Action      string // a verb of the grammar, or release, review, refused, task_started, task_done …
	Project     string
	Release     string
	Environment string
	Database    string
	Actor       Actor
	Data        []byte // canonical JSON: hash, reason, evidence
	Prev, Hash  string // hex sha256
}

// note is what a caller says about a decision; the chain adds the rest.
type note struct {
	action, project, release, environment, database string
	actor                                           Actor
	data                                            any // marshals with sorted or fixed keys
	// routine: a task's start or end, which changes nothing for other tasks.
	routine bool
}

// machine is the actor of what ShipSQL does by itself.
var machine = Actor{Kind: "shipsql", Login: "shipsql"}

// seal is the hash of a row: over its content and the hash before it, as a JSON
// array, so that no two different rows have the same text.
func (r AuditRow) seal() (string, error) {
	actor, err := encode(r.Actor)
	if err != nil {
		return "", err
	}
	content, err := json.Marshal([]string{
		r.Prev, strconv.FormatInt(r.Seq, 10), strconv.FormatInt(micros(r.At), 10), r.Action,
		r.Project, r.Release, r.Environment, r.Database, actor, string(r.Data),
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:]), nil
}

// link is the end of the chain: a row's number and its hash.
type link struct {
	seq  int64
	hash string
}

// lastLink is the end of the chain as an expression of a statement that a
// transaction runs anyway.
const lastLink = `(SELECT cast(seq AS text) || ' ' || hash FROM deploy_audit ORDER BY seq DESC LIMIT 1)`

func readLink(text sql.NullString) (l link, err error) {
	seq, hash, found := strings.Cut(text.String, " ")
	if !found {
		return l, nil
	}
	l.hash = hash
	l.seq, err = strconv.ParseInt(seq, 10, 64)
	return l, err
}

// audit appends decisions to the chain, in the transaction that carries them out.
// What was known of a project before them no longer holds.
func audit(ctx context.Context, tx *store.Tx, notes ...note) error {
	var text sql.NullString
	if err := tx.QueryRow(ctx, `SELECT `+lastLink).Scan(&text); err != nil {
		return err
	}
	last, err := readLink(text)
	if err != nil {
		return err
	}
	return last.audit(ctx, tx, notes...)
}

// audit appends decisions to a chain whose end this is.
func (l link) audit(ctx context.Context, tx *store.Tx, notes ...note) error {
	var args []any
	for _, n := range notes {
		row, err := n.row(tx.Now(), l)
		if err != nil {
			return err
		}
		if !n.routine {
			if err := nextRevision(ctx, tx, n.project); err != nil {
				return err
			}
		}
		actor, err := encode(row.Actor)
		if err != nil {
			return err
		}
		args = append(args, row.Seq, micros(row.At), row.Action, row.Project, row.Release, row.Environment, row.Database,
			actor, string(row.Data), row.Prev, row.Hash)
		l = link{row.Seq, row.Hash}
	}
	return tx.Later(ctx, `INSERT INTO deploy_audit (`+auditColumns+`) VALUES `+store.Rows(len(notes), auditWidth), args...)
}

// row is a decision as the chain's next link.
func (n note) row(at time.Time, last link) (row AuditRow, err error) {
	row = AuditRow{
		Seq: last.seq + 1, At: at, Action: n.action, Project: n.project, Release: n.release,
		Environment: n.environment, Database: n.database, Actor: n.actor, Prev: last.hash,
	}
	if row.Data, err = json.Marshal(n.data); err != nil {
		return row, err
	}
	row.Hash, err = row.seal()
	return row, err
}

// nextRevision ends what was read of the project at the present one.
func nextRevision(ctx context.Context, tx *store.Tx, project string) error {
	_, err := tx.Exec(ctx, `UPDATE deploy_projects SET revision = revision + 1 WHERE id = $1`, project)
	return err
}

const (
	auditColumns = `seq, at, action, project, release, environment, database, actor, data, prev, hash`
	auditWidth   = 11
)

func readAudit(scan store.Scan) (AuditRow, error) {
	var r AuditRow
	var at int64
	var actor, data string
	err := scan(&r.Seq, &at, &r.Action, &r.Project, &r.Release, &r.Environment, &r.Database, &actor, &data, &r.Prev, &r.Hash)
	if err != nil {
		return r, err
	}
	r.At, r.Data = fromMicros(at), []byte(data)
	return r, decodeAll(column{actor, &r.Actor})
}

// taskRows is how many rows of tasks Audit returns.
const taskRows = 200

// Audit lists a release's audit rows, oldest first: every decision, and the last
// two hundred of what its tasks did.
func (s *Service) Audit(ctx context.Context, releaseID string) ([]AuditRow, error) {
	return list(ctx, s.db, readAudit, `SELECT `+auditColumns+` FROM deploy_audit
		WHERE release = $1 AND (action NOT LIKE 'task%' OR seq > coalesce((SELECT seq FROM deploy_audit
			WHERE release = $1 AND action LIKE 'task%' ORDER BY seq DESC LIMIT 1 OFFSET $2), 0))
		ORDER BY seq`, releaseID, taskRows)
}

// auditPage is how many rows VerifyAudit holds in memory at once.
const auditPage = 1000

// VerifyAudit walks the whole chain; the error names the first row that was
// changed, removed or inserted. Rows cut off at the end are noticed only by who
// keeps the last hash elsewhere.
func (s *Service) VerifyAudit(ctx context.Context) error {
	var last AuditRow
	for {
		rows, err := list(ctx, s.db, readAudit,
			`SELECT `+auditColumns+` FROM deploy_audit WHERE seq > $1 ORDER BY seq LIMIT $2`, last.Seq, auditPage)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if err := row.follows(last); err != nil {
				return err
			}
			last = row
		}
	}
}

// follows checks one link of the chain.
func (r AuditRow) follows(last AuditRow) error {
	hash, err := r.seal()
	if err != nil {
		return err
	}
	broken := fault.New(fault.Conflict, "the audit chain is broken").At("deploy_audit seq " + strconv.FormatInt(r.Seq, 10)).
		Then("restore the table from a backup and look at who could write to the store")
	if r.Seq != last.Seq+1 || r.Prev != last.Hash || r.Hash != hash {
		return broken
	}
	return nil
}
