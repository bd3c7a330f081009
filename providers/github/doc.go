// Package github is the provider for GitHub.com and GitHub Enterprise Server,
// as a GitHub App.
//
// A call goes down through these layers, each in the file of its name:
//
//	method    (pulls.go, checks.go …)  neutral types in, neutral types out
//	call.go   whose installation, and under which name; looked up again once after
//	          401, 404, or a 403 that says that the installation is the wrong one
//	errors.go the forge's answer becomes one of the seam's errors, redacted
//	pace.go   write budget; a rate limit is returned and remembered, never slept
//	etag.go   conditional requests: what didn't change costs a 304
//	auth.go   an installation token per request; after a 401 made anew once, with
//	          the private key as it is then
//	wire.go   timeout, size limit, User-Agent, the count and the span of every request
//
// deliveries.go (missed webhooks) and access.go (permissions) call as the App
// itself, the rest as an installation of it.
//
// Retries live only where the forge said for certain that it did nothing (401,
// another installation). Everything else is the caller's to repeat: the job
// queue knows how to wait, a client that sleeps only holds a worker.
//
// Webhooks (webhook.go, payload.go) are verified and parsed by our own code:
// go-github's ValidatePayload reads without limit, accepts SHA-1 and accepts an
// absent secret together with an absent signature.
package github
