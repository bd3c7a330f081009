package deploy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/deploy"
)

// A worker may die between carrying out a command and answering it; the next one
// gives the command again. (Found by cmd/shipsql/torture.)
func TestACommandThatIsGivenAgainIsNotRefused(t *testing.T) {
	h := newHarness(t)
	r := h.merge(h.project(), files{"1_a.sql": new(create)})
	h.settle()
	approve := in(on(r, "ann"), "prod")
	approve.Source = "https://forge.test/1#1"
	first, err := h.service.Approve(h.ctx, approve)
	h.must(err)
	again := func(when string) {
		t.Helper()
		second, err := h.service.Approve(h.ctx, approve)
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		if diff := cmp.Diff([]string{first.Releases[0].ID, first.Environment}, []string{second.Releases[0].ID, second.Environment}); diff != "" {
			t.Errorf("%s (-first +second):\n%s", when, diff)
		}
	}
	again("at once")
	h.expect(r.ID, deploy.Done, deploy.Done)
	again("once it is done")

	other := approve
	other.Source = "https://forge.test/1#2"
	_, err = h.service.Approve(h.ctx, other)
	refused(t, err, deploy.CommandAlready)
	elsewhere := approve
	elsewhere.Environment = "test"
	_, err = h.service.Approve(h.ctx, elsewhere)
	refused(t, err, deploy.CommandNotPossible)
	rows, err := h.service.Audit(h.ctx, r.ID)
	h.must(err)
	given := 0
	for _, row := range rows {
		if row.Action == deploy.VerbApprove {
			given++
		}
	}
	if given != 1 {
		t.Errorf("%d approvals on record", given)
	}
}
