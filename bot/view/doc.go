// Package view turns the state of a pull request into what its forge shows: the
// sticky comment, the check, inline suggestions, deployments and the few
// comments that notify people.
//
// It is pure. A view is always rebuilt from the whole state and never edited by
// hand-kept text, so it is right after a crash, a lost webhook or a rate limit
// as soon as it is written once more. The same state gives the same bytes; the
// caller compares them with what it wrote before and leaves out the writes that
// would change nothing.
package view
