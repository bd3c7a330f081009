package executor

import (
	"context"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
)

// Inspector is an engine that can say beforehand whether its databases would
// take migrations. Engines implement it beside [Engine]; it is safe for
// concurrent use.
type Inspector interface {
	// Inspect looks at a database as the login of its URL sees it. Nothing is
	// changed, and no lock outlives the call. The error is that of a connection
	// that can't be had: denied, not_found, unreachable, unsupported or invalid.
	Inspect(ctx context.Context, url secret.Source) (Inspection, error)
}

// Inspection is what a database looks like to a login, before it is needed.
type Inspection struct {
	Product     string // "PostgreSQL 15.4"
	Unsupported string // why this version isn't supported; "" when it is
	Login       string
	Database    string

	Transport Transport
	Replica   bool   // takes no changes, because another server leads
	ReadOnly  bool   // database or login is set to read only
	Pooler    string // why a pooler before the database can't be used; "" when there is none, or it can

	Obstacles []Obstacle // of the server's version and settings

	Lacks  []Privilege // what Apply needs and the login does not have
	Writes []string    // what the login may change: "create in schema public", "insert, update in 3 tables, e.g. public.users"; for a login meant to read

	LockHeldBy string // who holds the lock that excludes other runs, and since when; "" when it is free
	Ledger     int    // format of the ledger; 0: there is none yet
	LedgerBad  string // why the ledger can't be used; "" when it can, or there is none

	Ahead time.Duration // how far the server's clock is before ours; the round trip is taken out as well as it can be
}

// Transport is how safe the way to the server is.
type Transport string

// The kinds of transports.
const (
	TransportLocal      Transport = "local"      // a unix socket, or this machine
	TransportVerified   Transport = "verified"   // encrypted, and the server has proven its name
	TransportUnverified Transport = "unverified" // encrypted, but anybody may answer
	TransportPlain      Transport = "plain"      // readable on the way
)

// Obstacle is something about a server that stands in the way of migrations.
type Obstacle struct {
	What  string // "its sql_mode is not strict"
	Why   string // what comes of it
	Fix   string // what to change
	Final bool   // no migration can be applied; otherwise some do something else than they say
}

// Privilege is something the login may not do.
type Privilege struct {
	What string // "create the ledger's schema in the database orders"
	Why  string // what fails without it
	// Needed: no migration can be applied without it. Otherwise some can't.
	Needed bool
	// Grant are the exact statements that give it, for a superuser or the owner.
	Grant []string
}
