package providertest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/shipsql/shipsql/providers"
)

// Run tells all the stories on the forge that setup makes, a fresh one each.
func Run(t *testing.T, setup Setup) {
	stories := map[string]func(*stage){
		"Reading/PullRequests":      readPullRequests,
		"Reading/Files":             readFiles,
		"Reading/Trees":             readTrees,
		"Reading/Repository":        readRepository,
		"History/Merges":            historyOfMerges,
		"History/ForcePush":         historyRewritten,
		"History/PullRequestsOf":    pullRequestsOf,
		"People/Commits":            peopleOfCommits,
		"People/Rights":             rights,
		"Conversation/Comments":     comments,
		"Conversation/Sticky":       sticky,
		"Conversation/ManyComments": stickyAmongMany,
		"Verdicts/Check":            checkLife,
		"Verdicts/CheckTwice":       checkTwice,
		"Verdicts/Review":           review,
		"Verdicts/Deployment":       deployment,
		"Webhooks/PullRequest":      pullRequestEvents,
		"Webhooks/Check":            checkEvents,
		"Webhooks/MergeQueue":       mergeQueueEvents,
		"Webhooks/Forged":           forgedDeliveries,
		"Faults/CutAfterWrite":      cutAfterWrite,
		"Faults/LostWrite":          lostWrite,
		"Faults/Expired":            expiredToken,
		"Faults/Limits":             rateLimits,
		"Faults/Blind":              blindWritesOnce,
		"Faults/Refusals":           refusals,
		"Faults/Storm":              writesInAStorm,
		"Faults/Reads":              readsUnderFaults,
		"Life/Uninstalled":          uninstalled,
		"Life/Suspended":            suspended,
		"Life/TakenAway":            takenAway,
		"Life/Renamed":              renamed,
		"Life/Transferred":          transferred,
		"Life/Deleted":              deleted,
		"Life/Archived":             archived,
		"Life/Access":               access,
		"Missed/Deliveries":         missedDeliveries,
		"Missed/Many":               manyMissed,
		"Cost/Push":                 costOfAPush,
		"Cost/Unchanged":            costOfUnchanged,
	}
	for _, kind := range kinds {
		stories["Faults/EveryWrite/"+string(kind)] = everyWriteOnce(kind)
	}
	for _, name := range slices.Sorted(maps.Keys(stories)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, script := setup(t)
			stories[name](newStage(t, p, script))
		})
	}
}

// repository is the one of all stories, with its first migration.
const repository = "acme/orders"

const (
	firstPath  = "db/migrations/1_users.sql"
	firstSQL   = "CREATE TABLE users (id bigint PRIMARY KEY);\n"
	secondPath = "db/migrations/2_orders.sql"
	secondSQL  = "CREATE TABLE orders (\n  id bigint PRIMARY KEY,\n  user_id bigint\n);\n"
)

// stage is where a story plays.
type stage struct {
	*testing.T
	p    providers.Provider
	s    Script
	repo providers.Repo
}

// newStage sets up the people (ann writes, bob reviews, carl is a stranger) and
// the repository.
func newStage(t *testing.T, p providers.Provider, s Script) *stage {
	t.Helper()
	for _, login := range []string{"founder", "ann", "bob", "carl"} {
		s.AddUser(login)
	}
	s.AddRepository(repository, map[string]string{firstPath: firstSQL, "README.md": "# Orders\n"})
	repo, err := p.Repository(t.Context(), repository)
	if err != nil {
		t.Fatalf("Repository: %v", err)
	}
	return &stage{T: t, p: p, s: s, repo: repo}
}

// must stops the story at an error.
func (st *stage) must(err error) {
	st.Helper()
	if err != nil {
		st.Fatal(err)
	}
}

// open opens ann's pull request with the second migration.
func (st *stage) open() int {
	st.Helper()
	st.s.Push(repository, "feature", Commit{Author: "ann", Message: "Add orders", Files: map[string]string{secondPath: secondSQL}})
	return st.s.Open(repository, PullRequest{Head: "feature", Author: "ann", Title: "Add orders"})
}

// pull reads a pull request.
func (st *stage) pull(number int) providers.PullRequest {
	st.Helper()
	pr, err := st.p.PullRequest(st.Context(), st.repo, number)
	st.must(err)
	return pr
}

// equal fails the story when what is got isn't what is wanted, as printed.
func (st *stage) equal(what string, got, want any) {
	st.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		st.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
