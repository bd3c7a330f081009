package providertest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// events parses the deliveries since an earlier point; it proves that each
// comes from the repository and has an id of its own.
func (st *stage) events(since int) []providers.Event {
	st.Helper()
	var events []providers.Event
	seen := map[string]bool{}
	for _, d := range st.s.Deliveries()[since:] {
		e, err := st.p.ParseWebhook(d.Header, d.Body)
		st.must(err)
		if e.Delivery == "" || seen[e.Delivery] {
			st.Errorf("a delivery without an id of its own: %+v", e)
		}
		seen[e.Delivery] = true
		if e.Kind == providers.Ignored {
			if e.Note == "" {
				st.Errorf("ignored without a reason: %+v", e)
			}
			continue
		}
		if e.Kind != providers.InstallationChanged && (e.Repo.String() != st.repo.String() || e.Repo.ID != st.repo.ID) {
			st.Errorf("of another repository: %+v", e)
		}
		events = append(events, e)
	}
	return events
}

// among proves that one of the events is as wanted in the fields that count.
func (st *stage) among(events []providers.Event, want providers.Event, sender string) {
	st.Helper()
	same := func(e providers.Event) bool {
		return e.Sender.Login == sender && e.Kind == want.Kind && e.PullRequest == want.PullRequest && e.Comment == want.Comment &&
			e.Check == want.Check && e.ExternalID == want.ExternalID && e.Branch == want.Branch && e.HeadSHA == want.HeadSHA &&
			(want.Action == "" || e.Action == want.Action)
	}
	if !slices.ContainsFunc(events, same) {
		st.Errorf("no event by %s like %+v among\n%+v", sender, want, events)
	}
}

func pullRequestEvents(st *stage) {
	before := len(st.s.Deliveries())
	n := st.open()
	first := st.pull(n).Head.SHA
	second := st.s.Push(repository, "feature", Commit{Author: "ann", Message: "More", Files: map[string]string{"x": "y"}})
	comment := st.s.Comment(repository, n, "bob", "/shipsql status")
	st.s.EditComment(repository, comment, "bob", "/approve prod")
	own, err := st.p.AddComment(st.Context(), st.repo, n, note("hello"))
	st.must(err)
	merge := st.s.Merge(repository, n, "bob", MergeCommit)

	events := st.events(before)
	st.among(events, providers.Event{Kind: providers.Pushed, Branch: "feature", HeadSHA: first}, "ann")
	st.among(events, providers.Event{Kind: providers.PullRequestChanged, PullRequest: n, Branch: "main", HeadSHA: first}, "ann")
	st.among(events, providers.Event{Kind: providers.PullRequestChanged, PullRequest: n, Branch: "main", HeadSHA: second}, "ann")
	st.among(events, providers.Event{Kind: providers.CommentCreated, PullRequest: n, Comment: comment}, "bob")
	st.among(events, providers.Event{Kind: providers.Pushed, Branch: "main", HeadSHA: merge}, "bob")
	comments := 0
	for _, e := range events {
		if e.Kind != providers.CommentCreated {
			continue
		}
		comments++
		if e.Comment == own {
			st.Errorf("our own comment is an event: %+v", e)
		}
	}
	st.equal("comments that count (an edit doesn't)", comments, 1)
}

func checkEvents(st *stage) {
	n := st.open()
	sha := st.pull(n).Head.SHA
	id, err := st.p.PutCheck(st.Context(), st.repo, annotated(sha, 1))
	st.must(err)
	before := len(st.s.Deliveries())
	st.s.Press(repository, id, "rerun", "bob")
	st.s.Rerun(repository, id, "bob")
	events := st.events(before)
	st.among(events, providers.Event{Kind: providers.CheckAction, Action: "rerun", Check: id, ExternalID: "orders-1", HeadSHA: sha, PullRequest: n}, "bob")
	st.among(events, providers.Event{Kind: providers.CheckRerequested, Check: id, ExternalID: "orders-1", HeadSHA: sha, PullRequest: n}, "bob")
}

func mergeQueueEvents(st *stage) {
	n := st.open()
	green := providers.Check{
		Name: "sql-review", HeadSHA: st.pull(n).Head.SHA, Status: providers.Completed, Conclusion: providers.Success, Title: "Fine", Summary: "Fine",
	}
	_, err := st.p.PutCheck(st.Context(), st.repo, green) // else it can't be queued
	st.must(err)
	before := len(st.s.Deliveries())
	group := st.s.Enqueue(repository, n, "bob")
	events := st.events(before)
	at := slices.IndexFunc(events, func(e providers.Event) bool { return e.Kind == providers.MergeGroup })
	if at < 0 {
		st.Fatalf("no merge group among %+v", events)
	}
	base, err := st.p.Head(st.Context(), st.repo, "main")
	st.must(err)
	e := events[at]
	st.equal("merge group", fmt.Sprint(e.HeadSHA, e.BaseSHA, e.Branch), fmt.Sprint(group, base.SHA, "main"))
	green.HeadSHA = group
	_, err = st.p.PutCheck(st.Context(), st.repo, green)
	st.must(err)
	if !st.pull(n).Merged {
		st.Error("the queue didn't merge what is green")
	}
}

func forgedDeliveries(st *stage) {
	st.open()
	for _, d := range st.s.Deliveries() {
		body := append(slices.Clone(d.Body), ' ')
		if e, err := st.p.ParseWebhook(d.Header, body); !errors.Is(err, providers.ErrSignature) || fault.CodeOf(err) != fault.Denied || e.Kind != "" {
			st.Errorf("a changed body: %+v, %v", e, err)
		}
		if e, err := st.p.ParseWebhook(nil, d.Body); !errors.Is(err, providers.ErrSignature) || e.Kind != "" {
			st.Errorf("no headers: %+v, %v", e, err)
		}
	}
}
