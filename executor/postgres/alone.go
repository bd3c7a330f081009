package postgres

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// alone is a statement that can't run in a transaction. What it observes before
// it runs is kept in the ledger, so that a later run can tell what became of it.
type alone interface {
	// observe looks at the objects, with the file's settings in force.
	observe(ctx context.Context, s *session) (observation, error)
	// settle finds out what became of the statement after a run was cut, or after
	// the server refused it, and removes what is left of a failed attempt.
	settle(ctx context.Context, s *session, before observation) (trace, error)
	// patient says that waiting for locks stalls nobody, so it may take longer.
	patient() bool
}

// trace is what a statement left in the catalog.
type trace struct {
	outcome  outcome
	evidence string // for the person who resolves an unknown outcome
}

type outcome int

const (
	unknown outcome = iota
	took            // it took effect
	none            // nothing is left of it: it may run again
)

// observation is the state of the objects before a statement runs.
type observation struct {
	Table   int64   `json:"table,omitempty"`   // oid of the table, or the partitioned one
	Other   int64   `json:"other,omitempty"`   // oid of the partition
	Indexes []int64 `json:"indexes,omitempty"` // oids
	Existed bool    `json:"existed,omitempty"` // what it makes was there: IF NOT EXISTS does nothing
}

func (o observation) String() string {
	b, err := json.Marshal(o)
	if err != nil { // can't be: it holds numbers and a bool
		return ""
	}
	return string(b)
}

func parseObservation(s string) (o observation, err error) {
	err = json.Unmarshal([]byte(s), &o)
	return o, err
}

// standsAlone returns how to run a statement that the server refuses inside a
// transaction block; nil for all others.
func standsAlone(text string, tree *pg_query.Node, version int) alone {
	switch {
	case tree.GetIndexStmt().GetConcurrent():
		return newCreateIndex(text, tree.GetIndexStmt())
	case tree.GetDropStmt().GetConcurrent():
		return newDropIndex(tree.GetDropStmt())
	case tree.GetReindexStmt() != nil:
		return newReindex(tree.GetReindexStmt())
	case tree.GetAlterTableStmt() != nil && version >= detachConcurrently:
		return newDetach(tree.GetAlterTableStmt())
	case tree.GetVacuumStmt().GetIsVacuumcmd(),
		tree.GetClusterStmt() != nil && tree.GetClusterStmt().GetRelation() == nil,
		tree.GetAlterEnumStmt().GetSkipIfNewValExists() && version < enumInTransaction:
		return repeatable{}
	case tree.GetAlterEnumStmt() != nil && tree.GetAlterEnumStmt().GetOldVal() == "" && version < enumInTransaction:
		return opaque{}
	case movesDatabase(tree.GetAlterDatabaseStmt()): // where it is already, the server does nothing
		return repeatable{}
	}
	if n := newNamed(tree); n != nil {
		return n
	}
	return newSubscribed(tree.GetAlterSubscriptionStmt())
}

// standsApart returns how to run a statement outside of a transaction when its
// file asks for that; nil: in a transaction of its own. The server refuses
// CLUSTER and REINDEX of a partitioned table inside of one.
func standsApart(tree *pg_query.Node) alone {
	switch {
	case tree.GetCallStmt() != nil, tree.GetDoStmt() != nil:
		return opaque{commitsInside: true}
	case tree.GetClusterStmt() != nil, tree.GetReindexStmt() != nil:
		return repeatable{}
	}
	return nil
}

// enumInTransaction is the first version where ALTER TYPE … ADD VALUE may run in
// a transaction block.
const enumInTransaction = 120000

// detachConcurrently is the first version that knows DETACH … CONCURRENTLY.
const detachConcurrently = 140000

func movesDatabase(s *pg_query.AlterDatabaseStmt) bool {
	for _, o := range s.GetOptions() {
		if o.GetDefElem().GetDefname() == "tablespace" {
			return true
		}
	}
	return false
}

// repeatable is a statement that does no harm when it runs again: VACUUM.
type repeatable struct{}

func (repeatable) observe(context.Context, *session) (observation, error) { return observation{}, nil }

func (repeatable) settle(context.Context, *session, observation) (trace, error) {
	return trace{outcome: none}, nil
}

func (repeatable) patient() bool { return false }

// opaque is a statement whose outcome can't be read from the catalog. When the
// server refuses it, it had no effect, unless it commits inside.
type opaque struct{ commitsInside bool }

func (opaque) observe(context.Context, *session) (observation, error) { return observation{}, nil }

func (opaque) settle(context.Context, *session, observation) (trace, error) {
	return trace{unknown, "the catalog can't tell"}, nil
}

func (opaque) patient() bool { return false }

// oid resolves a relation's name as the session sees it; 0 when there is none.
func (s *session) oid(ctx context.Context, name string) (oid int64, err error) {
	err = s.QueryRow(ctx, "SELECT coalesce(to_regclass($1)::oid::bigint, 0)", name).Scan(&oid)
	return oid, err
}

func relationName(r *pg_query.RangeVar) string {
	name := pgx.Identifier{r.GetRelname()}
	if r.GetSchemaname() != "" {
		name = pgx.Identifier{r.GetSchemaname(), r.GetRelname()}
	}
	return name.Sanitize()
}

// dropConcurrently removes the remains of an index.
func (s *session) dropConcurrently(ctx context.Context, schema, index string) error {
	_, err := s.Exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+pgx.Identifier{schema, index}.Sanitize())
	return err
}
