// Package bottest wires the whole app, without its listener, around a forge in
// this process: real GitHub provider over HTTP, real store, queue, reviewer,
// domain and PostgreSQL. Every request of ours and every answer of the forge is
// held against GitHub's own description.
//
// A test tells a story: it acts as people do (open, push, merge, comment), lets
// the world settle, and looks at what the forge and the databases show.
package bottest
