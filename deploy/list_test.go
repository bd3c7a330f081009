package deploy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestList(t *testing.T) {
	h := newHarness(t, func(c *deploy.Config) {
		other := c.Projects[0]
		other.Path, other.History = "billing", "billing"
		c.Projects = append(c.Projects, other)
	})
	first := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	h.approve(first, "ann")
	h.expect(first.ID, deploy.Done, deploy.Done)
	second := h.merge(h.project(), files{"2_b.sql": new(create)})
	third := h.merge(h.config.Projects[1], files{"1_c.sql": new(create)})
	h.settle()
	for name, tt := range map[string]struct {
		listing deploy.Listing
		want    []string
	}{
		"all, newest first": {deploy.Listing{}, []string{third.ID, second.ID, first.ID}},
		"the newest":        {deploy.Listing{Limit: 1}, []string{third.ID}},
		"of a project":      {deploy.Listing{Project: h.project().ID()}, []string{second.ID, first.ID}},
		"waiting":           {deploy.Listing{State: deploy.Waiting}, []string{third.ID, second.ID}},
		"done":              {deploy.Listing{State: deploy.Done}, []string{first.ID}},
		"failed":            {deploy.Listing{State: deploy.Failed}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			listed, err := h.service.List(h.ctx, tt.listing)
			must(t, err)
			var got []string
			for _, l := range listed {
				got = append(got, l.Release.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	listed, err := h.service.List(h.ctx, deploy.Listing{Limit: 3})
	must(t, err)
	want := []deploy.StageLine{
		{Environment: "test", State: deploy.Done, Databases: 1, Passed: 1},
		{Environment: "prod", State: deploy.Waiting, Databases: 2, Reason: h.stage(second.ID, "prod").Reasons[0]},
	}
	if diff := cmp.Diff(want, listed[1].Stages); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	_, err = h.service.List(h.ctx, deploy.Listing{Project: "nothing"})
	if fault.CodeOf(err) != fault.NotFound {
		t.Errorf("an unknown project: %v", err)
	}
}
