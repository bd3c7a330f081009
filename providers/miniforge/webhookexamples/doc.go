// Package webhookexamples holds real GitHub webhook payloads that nobody here
// wrote: the github.com examples of the npm package @octokit/webhooks-examples
// 7.6.1 (MIT), written to testdata by `go run ./scripts/webhook-examples`.
//
// It is for tests. Not every example parses with our client library, and that
// is the point of having them.
package webhookexamples
