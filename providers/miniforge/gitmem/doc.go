// Package gitmem is git's object model in memory: blobs, trees and commits
// named by the SHA-1 that git itself gives them, and the questions a forge asks
// of them: history, merge bases, diffs with renames, three-way merges.
//
// A [Store] holds objects only. Branches belong to the repositories above it,
// and repositories of one fork network share a store, as they do on GitHub.
// A Store is not safe for concurrent use.
package gitmem
