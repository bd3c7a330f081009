package gitmem_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// history draws a random graph of commits; their dates say nothing.
func history(t *rapid.T) (*gitmem.Store, []string) {
	s := gitmem.NewStore()
	var all []string
	for i := range rapid.IntRange(1, 25).Draw(t, "commits") {
		c := gitmem.Commit{Tree: tree(s, map[string]string{"n": string(rune('a' + i))}), Author: ann, Committer: bob}
		c.Committer.When = bob.When.AddDate(0, 0, rapid.IntRange(0, 3).Draw(t, "day"))
		if i > 0 {
			c.Parents = rapid.SliceOfNDistinct(rapid.SampledFrom(all), 0, 2, rapid.ID[string]).Draw(t, "parents")
		}
		all = append(all, s.WriteCommit(c))
	}
	return s, all
}

// ancestors is the definition, the slow way.
func ancestors(s *gitmem.Store, of string) map[string]bool {
	found := map[string]bool{of: true}
	c, _ := s.Commit(of)
	for _, p := range c.Parents {
		for a := range ancestors(s, p) {
			found[a] = true
		}
	}
	return found
}

func TestHistoryOfRandomGraphs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, all := history(t)
		a, b := rapid.SampledFrom(all).Draw(t, "a"), rapid.SampledFrom(all).Draw(t, "b")
		ofA, ofB := ancestors(s, a), ancestors(s, b)
		if s.IsAncestor(a, b) != ofB[a] {
			t.Fatalf("IsAncestor(%s, %s) is wrong", a, b)
		}
		var log []string
		for _, c := range s.Log(a, b) {
			if !ofA[c.Hash] || ofB[c.Hash] {
				t.Fatalf("%s does not belong into the log", c.Hash)
			}
			for _, p := range c.Parents {
				if slices.Contains(log, p) {
					t.Fatalf("%s comes after its parent", c.Hash)
				}
			}
			log = append(log, c.Hash)
		}
		for c := range ofA {
			if !ofB[c] && !slices.Contains(log, c) {
				t.Fatalf("the log lacks %s", c)
			}
		}
		checkMergeBase(t, s, ofA, ofB, s.MergeBase(a, b))
	})
}

// A merge base is common, and no common ancestor descends from it.
func checkMergeBase(t *rapid.T, s *gitmem.Store, ofA, ofB map[string]bool, base string) {
	for c := range ofA {
		if !ofB[c] {
			continue
		}
		if base == "" || (c != base && ancestors(s, c)[base]) {
			t.Fatalf("merge base %q, but %s is a better one", base, c)
		}
	}
	if base != "" && (!ofA[base] || !ofB[base]) {
		t.Fatalf("%s is not common", base)
	}
}
