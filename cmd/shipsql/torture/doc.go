// Package torture holds no code of the product: its tests break everything that
// ShipSQL stands on while it rolls out migrations, and then prove that nothing
// was lost, doubled or told.
//
// # A round
//
// A round is a world of its own, so rounds run side by side and a run that was
// interrupted goes on with the rounds it lacks:
//
//	forge (in process) ──webhooks──▶ 2 web ──▶ store (PostgreSQL) ◀── 2 workers ──▶ 4 databases (PostgreSQL)
//	                                    └────▶ Redis ◀──────────────────┘
//
// Every node is this test's binary, started again to play `shipsql serve` with a
// short lease. Between nodes and servers stands a proxy that cuts connections.
//
//	build    servers, forge, configuration with planted secrets, nodes
//	roll out people open, merge and push changes and approve them, batch by batch
//	break    meanwhile, at random moments: SIGKILLs of workers (most of them in the
//	         middle of a task) and of web nodes, cuts and black holes of connections,
//	         restarts of Redis (and FLUSHALL), of the store and of the databases'
//	         server, storms of errors from the forge
//	rest     the faults are over; wait until nobody has anything left to do
//	verify   databases against a reference that a plain loop made, ledgers, store,
//	         audit chain, what the pull requests show, planted secrets
//
// The people wait for their share of the faults before they go on, so that all
// faults meet a rollout. The same code runs one small round in `make test` and
// the full counts with SHIPSQL_TORTURE=1; SHIPSQL_TORTURE_DIR says where the
// progress of the latter is kept.
//
// # Taken up again
//
// A second test kills workers with the product's own lease and measures how long
// their tasks wait for another.
package torture
