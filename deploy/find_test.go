package deploy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
)

func TestFind(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) {
		other := c.Projects[0]
		other.Path, other.History = "billing", "billing"
		c.Projects = append(c.Projects, other)
	})
	merged := func(commit string, pullRequest int) mergeOption {
		return func(r *deploy.NewRelease) { r.MergeCommit, r.PullRequest = commit, pullRequest }
	}
	one := h.merge(h.project(), files{"1_a.sql": new(create)}, merged(strings.Repeat("a1", 20), 41))
	two := h.merge(h.config.Projects[1], files{"1_c.sql": new(create)}, merged(strings.Repeat("b2", 20), 12345678))
	ids := map[string]string{one.ID: "one", two.ID: "two"}
	short := h.project().Repository[strings.Index(h.project().Repository, "/")+1:]
	for word, want := range map[string][]string{
		one.ID:                         {"one"},
		strings.ToLower(two.ID):        {"two"},
		one.ID[:8]:                     {"two", "one"}, // made in one second
		one.ID[:6]:                     nil,
		one.MergeCommit:                {"one"},
		two.MergeCommit[:12]:           {"two"},
		two.MergeCommit[:6]:            nil,
		"#41":                          {"one"},
		"12345678":                     {"two"},
		short + "#41":                  {"one"},
		"other/one#41":                 nil,
		h.project().Repository + "#41": {"one"},
		"":                             nil,
		"#":                            nil,
		"#x":                           nil,
		"%%%%%%%":                      nil,
		"_______":                      nil,
		"-1":                           nil,
		"0":                            nil,
		"999999999":                    nil,
	} {
		found, err := h.service.Find(h.ctx, word)
		must(t, err)
		var got []string
		for _, r := range found {
			got = append(got, ids[r.ID])
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", word, diff)
		}
	}
}
