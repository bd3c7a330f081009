package gitmem

import (
	"container/heap"
	"slices"
)

// Log returns the commits reachable from head and from none of the excluded
// ones: newest first, and never a parent before its child.
func (s *Store) Log(head string, excluded ...string) []Commit {
	skip := map[string]bool{}
	for _, e := range excluded {
		for hash := range s.reachable(e) {
			skip[hash] = true
		}
	}
	if skip[head] {
		return nil
	}
	return s.topological(head, skip)
}

func (s *Store) topological(head string, skip map[string]bool) []Commit {
	children := map[string]int{}
	for hash := range s.reachable(head) {
		for _, p := range s.commits[hash].Parents {
			children[p]++
		}
	}
	queue := &newest{}
	if c, ok := s.commits[head]; ok {
		heap.Push(queue, c)
	}
	var log []Commit
	for queue.Len() > 0 {
		c := heap.Pop(queue).(Commit)
		if !skip[c.Hash] {
			log = append(log, c)
		}
		for _, p := range c.Parents {
			if children[p]--; children[p] == 0 {
				heap.Push(queue, s.commits[p])
			}
		}
	}
	return log
}

// FirstParents returns head and its first parents, newest first.
func (s *Store) FirstParents(head string) []Commit {
	var line []Commit
	for {
		c, ok := s.commits[head]
		if !ok {
			return line
		}
		line = append(line, c)
		if len(c.Parents) == 0 {
			return line
		}
		head = c.Parents[0]
	}
}

// IsAncestor says whether descendant's history holds ancestor; a commit is its
// own ancestor.
func (s *Store) IsAncestor(ancestor, descendant string) bool {
	return s.reachable(descendant)[ancestor]
}

// MergeBase returns a best common ancestor, "" when the histories have none.
func (s *Store) MergeBase(a, b string) string {
	common := s.reachable(a)
	for _, c := range s.Log(b) {
		if common[c.Hash] {
			return c.Hash
		}
	}
	return ""
}

func (s *Store) reachable(head string) map[string]bool {
	seen := map[string]bool{}
	todo := []string{head}
	for len(todo) > 0 {
		hash := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		c, ok := s.commits[hash]
		if !ok || seen[hash] {
			continue
		}
		seen[hash] = true
		todo = append(todo, c.Parents...)
	}
	return seen
}

// Touched keeps the commits of a log that changed path (a file or a folder)
// against their first parent.
func (s *Store) Touched(log []Commit, path string) []Commit {
	return slices.DeleteFunc(slices.Clone(log), func(c Commit) bool {
		after, _ := s.Lookup(c.Tree, path)
		var before Entry
		if len(c.Parents) > 0 {
			before, _ = s.Lookup(s.commits[c.Parents[0]].Tree, path)
		}
		return before.Hash == after.Hash && before.Mode == after.Mode
	})
}

// newest is a heap of commits by committer date, then by order of writing.
type newest []Commit

func (n *newest) Len() int      { return len(*n) }
func (n *newest) Swap(i, j int) { (*n)[i], (*n)[j] = (*n)[j], (*n)[i] }
func (n *newest) Less(i, j int) bool {
	a, b := (*n)[i], (*n)[j]
	if !a.Committer.When.Equal(b.Committer.When) {
		return a.Committer.When.After(b.Committer.When)
	}
	return a.order > b.order
}
func (n *newest) Push(x any) { *n = append(*n, x.(Commit)) }
func (n *newest) Pop() any {
	last := (*n)[len(*n)-1]
	*n = (*n)[:len(*n)-1]
	return last
}
