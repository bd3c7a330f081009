package gitmem

import (
	"bytes"
	"slices"
	"sort"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Status says what happened to a file, in GitHub's words.
type Status string

// The statuses of a diff.
const (
	Added    Status = "added"
	Removed  Status = "removed"
	Modified Status = "modified"
	Renamed  Status = "renamed"
)

// FileDiff is one file's change.
type FileDiff struct {
	Path     string
	Previous string // the old path of a renamed file
	Status   Status
	Before   File // zero for an added file
	After    File // zero for a removed file
	// Patch is the unified diff from its first hunk on; "" for binary files,
	// for pure renames and beyond MaxPatch.
	Patch                string
	Additions, Deletions int
}

const (
	// MaxPatch is the size in bytes beyond which GitHub shows no patch:
	// https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits#diff-limits
	MaxPatch = 500_000
	// maxRenames bounds the pairs compared by content, like git's renameLimit.
	maxRenames = 10_000
)

// Diff compares two trees and returns the changed files by path.
func (s *Store) Diff(before, after string) []FileDiff {
	diffs := s.changes(s.Files(before), s.Files(after))
	diffs = s.pairRenames(diffs)
	for i := range diffs {
		s.describe(&diffs[i])
	}
	sort.Slice(diffs, func(i, j int) bool { return diffs[i].Path < diffs[j].Path })
	return diffs
}

func (s *Store) changes(before, after map[string]File) []FileDiff {
	var diffs []FileDiff
	for path, file := range after {
		old, had := before[path]
		switch {
		case !had:
			diffs = append(diffs, FileDiff{Path: path, Status: Added, After: file})
		case old != file:
			diffs = append(diffs, FileDiff{Path: path, Status: Modified, Before: old, After: file})
		}
	}
	for path, file := range before {
		if _, has := after[path]; !has {
			diffs = append(diffs, FileDiff{Path: path, Status: Removed, Before: file})
		}
	}
	sort.Slice(diffs, func(i, j int) bool { return diffs[i].Path < diffs[j].Path })
	return diffs
}

// pairRenames turns removed and added files with the same or similar content
// into renames, best pairs first.
func (s *Store) pairRenames(diffs []FileDiff) []FileDiff {
	type pair struct {
		from, to int
		score    float64
	}
	removed, added := positions(diffs, Removed), positions(diffs, Added)
	var pairs []pair
	for _, from := range removed {
		for _, to := range added {
			onlyEqual := len(removed)*len(added) > maxRenames
			if score := s.similarity(diffs[from].Before.Blob, diffs[to].After.Blob, onlyEqual); score >= 0.5 {
				pairs = append(pairs, pair{from, to, score})
			}
		}
	}
	sort.SliceStable(pairs, func(i, j int) bool { return pairs[i].score > pairs[j].score })
	gone := map[int]bool{}
	for _, p := range pairs {
		from, to := &diffs[p.from], &diffs[p.to]
		if gone[p.from] || to.Status != Added {
			continue
		}
		to.Status, to.Previous, to.Before = Renamed, from.Path, from.Before
		gone[p.from] = true
	}
	kept := diffs[:0]
	for i, d := range diffs {
		if !gone[i] {
			kept = append(kept, d)
		}
	}
	return kept
}

func positions(diffs []FileDiff, status Status) []int {
	var at []int
	for i, d := range diffs {
		if d.Status == status {
			at = append(at, i)
		}
	}
	return at
}

// similarity is the share of the larger file's bytes that stand in lines both
// files have.
func (s *Store) similarity(a, b string, onlyEqual bool) float64 {
	if a == b {
		return 1
	}
	x, y := s.blobs[a], s.blobs[b]
	if onlyEqual || len(x) == 0 || len(y) == 0 {
		return 0
	}
	lines := map[string]int{}
	for line := range bytes.Lines(x) {
		lines[string(line)]++
	}
	common := 0
	for line := range bytes.Lines(y) {
		if lines[string(line)] > 0 {
			lines[string(line)]--
			common += len(line)
		}
	}
	return float64(common) / float64(max(len(x), len(y)))
}

// describe adds the patch and the counts.
func (s *Store) describe(d *FileDiff) {
	before, after := s.blobs[d.Before.Blob], s.blobs[d.After.Blob]
	if isBinary(before) || isBinary(after) || bytes.Equal(before, after) {
		return
	}
	if len(before)+len(after) > 2*MaxPatch {
		d.Additions, d.Deletions = countLines(after), countLines(before)
		return
	}
	d.Patch = patch(string(before), string(after))
	for line := range strings.Lines(d.Patch) {
		switch line[0] {
		case '+':
			d.Additions++
		case '-':
			d.Deletions++
		}
	}
	if len(d.Patch) > MaxPatch {
		d.Patch = ""
	}
}

// patch is the unified diff without its two file lines and final newline.
func patch(before, after string) string {
	text, err := udiff.ToUnified("a", "b", before, udiff.Lines(before, after), udiff.DefaultContextLines)
	if err != nil { // edits of Lines always fit the text they were made from
		return ""
	}
	_, text, _ = strings.Cut(text, "\n")
	_, text, _ = strings.Cut(text, "\n")
	return strings.TrimSuffix(text, "\n")
}

// isBinary decides as git does: a NUL in the first 8000 bytes.
func isBinary(content []byte) bool {
	return slices.Contains(content[:min(len(content), 8000)], 0)
}

func countLines(content []byte) int {
	n := bytes.Count(content, []byte{'\n'})
	if len(content) > 0 && content[len(content)-1] != '\n' {
		n++
	}
	return n
}
