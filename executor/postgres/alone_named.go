package postgres

import (
	"context"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// named makes or drops something that the whole server, or the database, knows
// by one name: the catalog tells whether it did.
type named struct {
	name  string
	drops bool
	count string // SQL that counts what has the name
}

const (
	countDatabase     = "SELECT count(*) FROM pg_database WHERE datname = $1"
	countTablespace   = "SELECT count(*) FROM pg_tablespace WHERE spcname = $1"
	countSubscription = "SELECT count(*) FROM pg_subscription WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())"
)

// newNamed returns nil for anything else.
func newNamed(tree *pg_query.Node) alone {
	switch n := tree.GetNode().(type) {
	case *pg_query.Node_CreatedbStmt:
		return named{n.CreatedbStmt.GetDbname(), false, countDatabase}
	case *pg_query.Node_DropdbStmt:
		return named{n.DropdbStmt.GetDbname(), true, countDatabase}
	case *pg_query.Node_CreateTableSpaceStmt:
		return named{n.CreateTableSpaceStmt.GetTablespacename(), false, countTablespace}
	case *pg_query.Node_DropTableSpaceStmt:
		return named{n.DropTableSpaceStmt.GetTablespacename(), true, countTablespace}
	case *pg_query.Node_CreateSubscriptionStmt:
		return named{n.CreateSubscriptionStmt.GetSubname(), false, countSubscription}
	case *pg_query.Node_DropSubscriptionStmt:
		return named{n.DropSubscriptionStmt.GetSubname(), true, countSubscription}
	}
	return nil
}

func (named) patient() bool { return false }

func (n named) observe(ctx context.Context, s *session) (o observation, err error) {
	o.Existed, err = n.exists(ctx, s)
	return o, err
}

// settle compares: what was there already, or was gone already, the statement
// has yet to be refused for.
func (n named) settle(ctx context.Context, s *session, before observation) (trace, error) {
	exists, err := n.exists(ctx, s)
	if err == nil && before.Existed == n.drops && exists != before.Existed {
		return trace{outcome: took}, nil
	}
	return trace{outcome: none}, err
}

func (n named) exists(ctx context.Context, s *session) (bool, error) {
	var count int
	err := s.QueryRow(ctx, n.count, n.name).Scan(&count)
	return count > 0, err
}

// subscribed is ALTER SUBSCRIPTION … ADD or DROP PUBLICATION. The other forms do
// no harm when they run again.
type subscribed struct {
	subscription string
	publications []string
	drops        bool
}

// newSubscribed returns nil for no statement.
func newSubscribed(a *pg_query.AlterSubscriptionStmt) alone {
	if a == nil {
		return nil
	}
	s := subscribed{subscription: a.GetSubname(), drops: a.GetKind() == pg_query.AlterSubscriptionType_ALTER_SUBSCRIPTION_DROP_PUBLICATION}
	if !s.drops && a.GetKind() != pg_query.AlterSubscriptionType_ALTER_SUBSCRIPTION_ADD_PUBLICATION {
		return repeatable{}
	}
	for _, p := range a.GetPublication() {
		s.publications = append(s.publications, p.GetString_().GetSval())
	}
	return s
}

func (subscribed) patient() bool { return false }

func (u subscribed) observe(ctx context.Context, s *session) (o observation, err error) {
	held, err := u.held(ctx, s)
	o.Existed = held == len(u.publications)
	return o, err
}

func (u subscribed) settle(ctx context.Context, s *session, before observation) (trace, error) {
	held, err := u.held(ctx, s)
	switch {
	case err != nil:
		return trace{}, err
	case !u.drops && !before.Existed && held == len(u.publications), u.drops && before.Existed && held == 0:
		return trace{outcome: took}, nil
	}
	return trace{outcome: none}, nil
}

// held counts which of the publications the subscription has.
func (u subscribed) held(ctx context.Context, s *session) (count int, err error) {
	err = s.QueryRow(ctx, `SELECT count(*) FROM pg_subscription, unnest(subpublications) p
		WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND p = ANY ($2)`,
		u.subscription, u.publications).Scan(&count)
	return count, err
}
