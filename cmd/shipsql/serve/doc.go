// Package serve wires the rooms into the running app and carries it from boot
// to a graceful end.
//
//	boot      check that the role's databases can be reached by somebody here, lock
//	          a SQLite file, wait up to a minute for a PostgreSQL store, migrate it,
//	          connect the bell (Redis may be away), check the providers
//	running   the listener answers (web), the queue's workers work (worker)
//	stopping  at SIGTERM: /readyz turns 503 and no job is taken; where somebody
//	          routes by /readyz the listener answers a little longer; running jobs
//	          get their grace time; the store is closed last
//
// Which part a process plays is config.Part: its role, and the pools whose jobs it
// runs. Any number of them share a PostgreSQL store; a SQLite file has one.
//
// What leaves for people's tools goes through one place each, where secrets are
// taken out: the log through guard, traces through discreet. Metrics have no
// label that names a repository or a database.
//
// What a SIGKILL leaves behind is picked up by the next process: jobs by their
// leases, migrations by the ledger in each target.
package serve
