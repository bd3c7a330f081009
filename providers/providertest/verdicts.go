package providertest

import (
	"errors"
	"fmt"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// annotated is a failed check of a pull request's head with n annotations.
func annotated(sha string, n int) providers.Check {
	c := providers.Check{
		Name: "sql-review", HeadSHA: sha, ExternalID: "orders-1", DetailsURL: "https://shipsql.example.com/r/1",
		Status: providers.Completed, Conclusion: providers.Failure, Title: "2 errors", Summary: "Look at them.",
		Actions: []providers.Action{{Identifier: "rerun", Label: "Re-run review", Description: "Review again"}},
	}
	for i := range n {
		c.Annotations = append(c.Annotations, providers.Annotation{
			Path: secondPath, StartLine: 1, EndLine: 2, Level: providers.LevelFailure, Title: "rule", Message: fmt.Sprint("finding ", i),
		})
	}
	return c
}

// onlyCheck is the one check people see on a pull request.
func (st *stage) onlyCheck(n int) ShownCheck {
	st.Helper()
	checks := st.s.Shown(repository, n).Checks
	if len(checks) != 1 {
		st.Fatalf("%d checks, want 1: %+v", len(checks), checks)
	}
	return checks[0]
}

// messages are the texts of n annotations in their order.
func messages(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprint("finding ", i))
	}
	return list
}

func checkLife(st *stage) {
	n := st.open()
	sha := st.pull(n).Head.SHA
	id, err := st.p.PutCheck(st.Context(), st.repo, providers.Check{
		Name: "sql-review", HeadSHA: sha, ExternalID: "orders-1", Status: providers.InProgress, Title: "Reviewing", Summary: "…",
	})
	st.must(err)
	st.equal("at first", st.onlyCheck(n).Status, "in_progress")

	c := annotated(sha, 120)
	c.ID = id
	again, err := st.p.PutCheck(st.Context(), st.repo, c)
	st.must(err)
	st.equal("the id stays", again, id)
	shown := st.onlyCheck(n)
	st.equal("status", shown.Status+" "+shown.Conclusion, "completed failure")
	st.equal("text", shown.Title+": "+shown.Summary, "2 errors: Look at them.")
	st.equal("annotations", shown.Annotations, messages(120))
	st.equal("buttons", shown.Actions, []string{"rerun"})
}

// A caller that doesn't know how far an earlier call came says so, and nothing
// is there twice.
func checkTwice(st *stage) {
	n := st.open()
	c := annotated(st.pull(n).Head.SHA, 60)
	id, err := st.p.PutCheck(st.Context(), st.repo, c)
	st.must(err)
	c.MayExist = true
	for _, known := range []int64{0, id} {
		c.ID = known
		again, err := st.p.PutCheck(st.Context(), st.repo, c)
		st.must(err)
		st.equal("the id stays", again, id)
		st.equal("annotations", st.onlyCheck(n).Annotations, messages(60))
	}
	c.ID, c.ExternalID = 0, "orders-2"
	other, err := st.p.PutCheck(st.Context(), st.repo, c)
	st.must(err)
	if other == id {
		st.Error("another external id took over the check")
	}
	st.equal("checks", len(st.s.Shown(repository, n).Checks), 2)
}

func review(st *stage) {
	n := st.open()
	sha := st.pull(n).Head.SHA
	inline := []providers.InlineComment{
		{Path: secondPath, StartLine: 1, Line: 3, Body: "```suggestion\nCREATE TABLE o (id bigint);\n```", Marker: "<!-- one -->"},
		{Path: secondPath, Line: 2, Body: "why?", Marker: "<!-- two -->"},
	}
	st.must(st.p.AddReview(st.Context(), st.repo, n, providers.Review{Commit: sha, Comments: inline}))
	shown := st.s.Shown(repository, n)
	for i := range inline { // shown is the body with the marker
		inline[i] = providers.InlineComment{
			Path: inline[i].Path, StartLine: inline[i].StartLine, Line: inline[i].Line, Body: inline[i].Body + "\n\n" + inline[i].Marker,
		}
	}
	st.equal("inline comments", shown.Inline, inline)
	st.equal("reviews", shown.Reviews, 1)

	outside := []providers.InlineComment{{Path: secondPath, Line: 99, Body: "x", Marker: "<!-- x -->"}}
	err := st.p.AddReview(st.Context(), st.repo, n, providers.Review{Commit: sha, Comments: outside})
	if !errors.Is(err, providers.ErrUnprocessable) || fault.CodeOf(err) != fault.Invalid {
		st.Errorf("a line outside of the diff: %v, want ErrUnprocessable", err)
	}
	st.equal("inline comments after a refusal", len(st.s.Shown(repository, n).Inline), 2)
}

func deployment(st *stage) {
	n := st.open()
	sha := st.s.Merge(repository, n, "bob", MergeCommit)
	d := providers.Deployment{SHA: sha, Environment: "prod", Production: true, State: providers.DeploymentQueued, Description: "release 1"}
	id, err := st.p.PutDeployment(st.Context(), st.repo, d)
	st.must(err)
	d.ID, d.State = id, providers.DeploymentInProgress
	_, err = st.p.PutDeployment(st.Context(), st.repo, d)
	st.must(err)
	d.ID, d.State, d.MayExist = 0, providers.DeploymentSuccess, true
	again, err := st.p.PutDeployment(st.Context(), st.repo, d)
	st.must(err)
	st.equal("found again", again, id)
	st.equal("deployments", st.s.Deployments(repository), []Deployment{
		{ID: id, SHA: sha, Environment: "prod", States: []string{"queued", "in_progress", "success"}},
	})
	d.Environment = "test"
	other, err := st.p.PutDeployment(st.Context(), st.repo, d)
	st.must(err)
	if other == id {
		st.Error("another environment took over the deployment")
	}
}
