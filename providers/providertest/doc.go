// Package providertest is the conformance suite of the forge seam: one story,
// told on every forge.
//
// A provider's tests hand [Run] a [Setup]: it makes the provider and a [Script],
// through which the stories act as the forge's people (push, open, comment,
// merge) and break its wires. The script works on a forge in this process that
// speaks the real HTTP API and is itself held to the forge's own contract; the
// suite never looks below the seam. Each story is a function over the two:
//
//	Reading        pull requests, files, trees, blobs
//	History        first parents over merge, squash, rebase, push, force-push
//	People         authors, co-authors, permissions, teams
//	Conversation   comments, reactions, the one sticky comment
//	Verdicts       checks, annotations, reviews, deployments
//	Webhooks       what is delivered becomes the right events
//	Faults         every write and read under every kind of fault: each effect once
//	Life           installed, suspended, renamed, transferred, deleted; access
//	Missed         webhooks that nobody took: asked for, read, sent again
//	Cost           calls of one push; unchanged data is a conditional request
package providertest
