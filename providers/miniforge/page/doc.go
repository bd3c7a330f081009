// Package page renders the mini forge's web pages: the list of pull requests
// and the pull request with its conversation, checks and diff.
//
// It is pure: views in, HTML out. Comments are GitHub's Markdown and come from
// anyone, so what they become is taken apart and put together again from a list
// of harmless elements (sanitize.go); the pages' Content-Security-Policy allows
// no inline script or style besides.
package page
