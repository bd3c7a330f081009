package miniforge_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// The life of a pull request as a bot sees it, through go-github. Every call is
// validated by contract.Wrap.
func TestStoryOfAPullRequest(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	ctx := t.Context()
	must(t, b.Protect(repo, "main", "sql-review"))
	must(t, b.SetPermission(repo, "bob", "write"))
	must(t, b.AddTeam("acme/dba", "carl"))
	n := b.openPR()

	pr, _, err := b.in.PullRequests.Get(ctx, "acme", "orders", n)
	must(t, err)
	if pr.GetMerged() || pr.GetUser().GetLogin() != "ann" || pr.GetMergeableState() != "blocked" {
		t.Errorf("merged %v, by %s, state %s; want an open, blocked one of ann", pr.GetMerged(), pr.GetUser().GetLogin(), pr.GetMergeableState())
	}
	files, _, err := b.in.PullRequests.ListFiles(ctx, "acme", "orders", n, nil)
	must(t, err)
	if len(files) != 1 || files[0].GetFilename() != second || files[0].GetStatus() != "added" || files[0].GetAdditions() != 2 {
		t.Errorf("files %v", files)
	}
	commits, _, err := b.in.PullRequests.ListCommits(ctx, "acme", "orders", n, nil)
	must(t, err)
	if len(commits) != 1 || commits[0].GetAuthor().GetLogin() != "ann" {
		t.Errorf("commits %v", commits)
	}

	if _, err := b.Merge(repo, n, miniforge.MergeOptions{By: "bob"}); err == nil || !strings.Contains(err.Error(), "sql-review") {
		t.Errorf("merged without the required check: %v", err)
	}
	run := b.check(n, "failure")
	if reason := b.pr(n).Blocked; !strings.Contains(reason, "failure") {
		t.Errorf("blocked by %q after a failed check", reason)
	}
	_, _, err = b.in.Checks.UpdateCheckRun(ctx, "acme", "orders", run.GetID(), github.UpdateCheckRunOptions{
		Name: "sql-review", Status: github.String("completed"), Conclusion: github.String("success"),
	})
	must(t, err)
	b.talk(n)

	sha, err := b.Merge(repo, n, miniforge.MergeOptions{By: "bob", Method: miniforge.Squash})
	must(t, err)
	pr, _, err = b.in.PullRequests.Get(ctx, "acme", "orders", n)
	must(t, err)
	if !pr.GetMerged() || pr.GetMergeCommitSHA() != sha || pr.GetMergedBy().GetLogin() != "bob" {
		t.Errorf("after the merge: merged %v, %s by %s", pr.GetMerged(), pr.GetMergeCommitSHA(), pr.GetMergedBy().GetLogin())
	}
	of, _, err := b.in.PullRequests.ListPullRequestsWithCommit(ctx, "acme", "orders", sha, nil)
	must(t, err)
	if len(of) != 1 || of[0].GetNumber() != n {
		t.Errorf("pull requests of %s: %v", sha, of)
	}
	b.deploy(sha)
	b.rights()
}

func (b *bench) check(n int, conclusion string) *github.CheckRun {
	b.t.Helper()
	run, _, err := b.in.Checks.CreateCheckRun(b.t.Context(), "acme", "orders", github.CreateCheckRunOptions{
		Name: "sql-review", HeadSHA: b.pr(n).Head.SHA, Status: github.String("completed"), Conclusion: &conclusion,
		ExternalID: github.String("pr:1"), DetailsURL: github.String("http://127.0.0.1/details"),
		Output: &github.CheckRunOutput{
			Title: github.String("One finding"), Summary: github.String("It *hurts*."),
			Annotations: []*github.CheckRunAnnotation{{
				Path: github.String(second), StartLine: github.Int(1), EndLine: github.Int(1),
				AnnotationLevel: github.String("failure"), Message: github.String("locks the table"),
			}},
		},
		Actions: []*github.CheckRunAction{{Label: "Re-run review", Description: "Reviews again", Identifier: "rerun"}},
	})
	must(b.t, err)
	annotations, _, err := b.in.Checks.ListCheckRunAnnotations(b.t.Context(), "acme", "orders", run.GetID(), nil)
	must(b.t, err)
	if len(annotations) != 1 || annotations[0].GetMessage() != "locks the table" {
		b.t.Errorf("annotations %v", annotations)
	}
	return run
}

// talk comments, edits, reacts and reviews.
func (b *bench) talk(n int) {
	b.t.Helper()
	ctx, t := b.t.Context(), b.t
	made, _, err := b.in.Issues.CreateComment(ctx, "acme", "orders", n, &github.IssueComment{Body: github.String("hello")})
	must(t, err)
	_, _, err = b.in.Issues.EditComment(ctx, "acme", "orders", made.GetID(), &github.IssueComment{Body: github.String("hello again")})
	must(t, err)
	asked, err := b.CommentAs(repo, n, "bob", "/shipsql status")
	must(t, err)
	_, _, err = b.in.Reactions.CreateIssueCommentReaction(ctx, "acme", "orders", asked, "eyes")
	must(t, err)
	list, _, err := b.in.Issues.ListComments(ctx, "acme", "orders", n, nil)
	must(t, err)
	if len(list) != 2 || list[0].GetBody() != "hello again" || list[0].GetUser().GetType() != "Bot" || list[1].Reactions.GetEyes() != 1 {
		t.Errorf("comments %v", list)
	}
	_, _, err = b.in.PullRequests.CreateReview(ctx, "acme", "orders", n, &github.PullRequestReviewRequest{
		CommitID: github.String(b.pr(n).Head.SHA), Event: github.String("COMMENT"), Body: github.String("Findings"),
		Comments: []*github.DraftReviewComment{{
			Path: github.String(second), Body: github.String("```suggestion\nSELECT 2;\n```"), Line: github.Int(2), Side: github.String("RIGHT"),
		}},
	})
	must(t, err)
	inline, _, err := b.in.PullRequests.ListComments(ctx, "acme", "orders", n, nil)
	must(t, err)
	reviews, _, err := b.in.PullRequests.ListReviews(ctx, "acme", "orders", n, nil)
	must(t, err)
	if len(inline) != 1 || inline[0].GetLine() != 2 || len(reviews) != 1 || reviews[0].GetState() != "COMMENTED" {
		t.Errorf("inline %v, reviews %v", inline, reviews)
	}
}

func (b *bench) deploy(sha string) {
	b.t.Helper()
	ctx, t := b.t.Context(), b.t
	auto := false
	d, _, err := b.in.Repositories.CreateDeployment(ctx, "acme", "orders", &github.DeploymentRequest{
		Ref: &sha, Environment: github.String("prod"), AutoMerge: &auto, RequiredContexts: &[]string{},
	})
	must(t, err)
	for _, state := range []string{"queued", "in_progress", "success"} {
		_, _, err = b.in.Repositories.CreateDeploymentStatus(ctx, "acme", "orders", d.GetID(), &github.DeploymentStatusRequest{State: &state})
		must(t, err)
	}
	statuses, _, err := b.in.Repositories.ListDeploymentStatuses(ctx, "acme", "orders", d.GetID(), nil)
	must(t, err)
	all := b.Deployments(repo)
	if len(statuses) != 3 || len(all) != 1 || all[0].State() != "success" || all[0].SHA != sha {
		t.Errorf("statuses %v, deployments %v", statuses, all)
	}
	found, _, err := b.in.Repositories.ListDeployments(ctx, "acme", "orders", &github.DeploymentsListOptions{Environment: "prod"})
	must(t, err)
	if len(found) != 1 {
		t.Errorf("%d deployments of prod", len(found))
	}
}

// rights asks what people may do.
func (b *bench) rights() {
	b.t.Helper()
	ctx, t := b.t.Context(), b.t
	for login, want := range map[string]string{"bob": "write", "carl": "read"} {
		level, _, err := b.in.Repositories.GetPermissionLevel(ctx, "acme", "orders", login)
		must(t, err)
		if level.GetPermission() != want {
			t.Errorf("%s may %s, want %s", login, level.GetPermission(), want)
		}
	}
	if _, _, err := b.in.Teams.GetTeamMembershipBySlug(ctx, "acme", "dba", "carl"); err != nil {
		t.Error(err)
	}
	_, answer, err := b.in.Teams.GetTeamMembershipBySlug(ctx, "acme", "dba", "bob")
	if err == nil || answer.StatusCode != http.StatusNotFound {
		t.Errorf("bob is no member: %v", err)
	}
}
