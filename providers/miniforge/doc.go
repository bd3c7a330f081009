// Package miniforge is a GitHub that lives inside one process: tests and
// `shipsql demo` use it where people use github.com or Enterprise Server.
//
// It is a fake of the service, never of our Go interface. The bot talks to it
// over HTTP through the same client library, signs in as a GitHub App, and gets
// signed webhooks:
//
//	script (Go API), PR page ──► State ──► webhooks ──► Options.WebhookURL
//	                              ▲ ▼
//	             HTTP API at / and at /api/v3
//
// Commits, trees and blobs are real git objects with real git names (package
// gitmem), so ancestry, diffs, merges and rebases behave as they do in git.
// Package contract holds every answer, and every request made, to GitHub's own
// OpenAPI description. State lives in memory and dies with the process.
//
// # Acting as people
//
// People act through the methods of [Forge]: AddRepo, Push, OpenPR, CommentAs,
// Merge and so on; each makes the state changes and the webhooks that GitHub
// would make. Tests wait with [Forge.Wait] and never sleep.
//
// # Webhooks
//
// Deliveries are made one after the other by one goroutine, in the order in
// which things happened, and never retried, as on GitHub. [Forge.OnDelivery]
// can drop, lose or hold them, [Forge.Release] sends held ones in any order and
// [Forge.Redeliver] repeats one with the same GUID. Every attempt is in the
// App's delivery list for three days of Options.Clock, with its status; the App
// asks there for another (GET /app/hook/deliveries, POST …/{id}/attempts).
//
// # Lives and faults
//
// Repositories are renamed, transferred, archived and deleted, installations
// suspended, removed or given fewer repositories and permissions
// (script_life.go, script_install.go). A former name redirects to
// /repositories/{id}, reads with a 301 and writes with a 307, until another
// repository takes it.
//
// [Forge.Fail] lets chosen requests go wrong, in a way of one's own or in one of
// the [Kinds]; [Forge.Storm] does it to a share of all requests, by a seed.
//
// # What differs from GitHub
//
//   - A merge is by lines (three-way), without rename detection.
//   - The HTTP API has no human users: a person's request is the Go API or the
//     page, which is for loopback only and has no log-in.
//   - The App may do everything in the repositories it is installed in.
package miniforge
