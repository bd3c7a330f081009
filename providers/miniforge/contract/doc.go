// Package contract holds tests to GitHub's own description of its API.
//
// [Wrap] stands between a client and the mini forge and fails the test when a
// request of ours or an answer of the fake does not validate, or when the
// description kept here lacks the route. [Webhook] does the same for a payload.
//
// The description is a part of the npm package @octokit/openapi, cut out by
// `go run ./scripts/openapi-subset`: the routes and webhooks that routes.txt
// names, without prose. testdata/LICENSE is its licence.
package contract
