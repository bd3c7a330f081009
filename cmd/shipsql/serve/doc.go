// Package serve wires the rooms into the running app and carries it from boot
// to a graceful end.
//
//	boot      open the store, migrate it, connect the bell, check the providers
//	running   the listener answers (web), the queue's workers work (worker)
//	stopping  at SIGTERM: take no request and no job, let running jobs finish
//	          within their grace time, close the store last
//
// What a SIGKILL leaves behind is picked up by the next process: jobs by their
// leases, migrations by the ledger in each target.
package serve
