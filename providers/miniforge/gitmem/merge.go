package gitmem

import (
	"maps"
	"slices"

	"github.com/aymanbagabas/go-udiff"
)

// Merge merges the changes base..theirs into the tree ours and returns the new
// tree, or the paths that both sides changed in different ways.
func (s *Store) Merge(base, ours, theirs string) (tree string, conflicts []string) {
	from, left, right := s.Files(base), s.Files(ours), s.Files(theirs)
	merged := maps.Clone(left)
	for _, path := range union(from, right) {
		old, mine, other := from[path], left[path], right[path]
		switch {
		case other == old || other == mine:
		case mine == old:
			set(merged, path, other)
		default:
			blob, ok := s.mergeContent(old, mine, other)
			if !ok {
				conflicts = append(conflicts, path)
				continue
			}
			merged[path] = File{Mode: mine.Mode, Blob: blob}
		}
	}
	if len(conflicts) > 0 {
		return "", conflicts
	}
	return s.WriteTree(merged), nil
}

func union(a, b map[string]File) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// set stores a file, or removes it when it is the zero File.
func set(files map[string]File, path string, file File) {
	if file == (File{}) {
		delete(files, path)
		return
	}
	files[path] = file
}

// mergeContent merges two changed texts of one file by lines.
func (s *Store) mergeContent(old, mine, other File) (blob string, ok bool) {
	if old.Blob == "" || mine.Blob == "" || other.Blob == "" || mine.Mode != other.Mode {
		return "", false
	}
	before := s.blobs[old.Blob]
	if isBinary(before) || isBinary(s.blobs[mine.Blob]) || isBinary(s.blobs[other.Blob]) {
		return "", false
	}
	x := udiff.Lines(string(before), string(s.blobs[mine.Blob]))
	y := udiff.Lines(string(before), string(s.blobs[other.Blob]))
	if collide(x, y) {
		return "", false
	}
	edits, ok := udiff.Merge(x, y)
	if !ok {
		return "", false
	}
	text, err := udiff.ApplyBytes(before, edits)
	if err != nil {
		return "", false
	}
	return s.WriteBlob(text), true
}

// collide says whether edits of both sides overlap or touch without being the
// same; git calls both a conflict.
func collide(x, y []udiff.Edit) bool {
	for _, a := range x {
		for _, b := range y {
			if a != b && a.Start <= b.End && b.Start <= a.End {
				return true
			}
		}
	}
	return false
}
