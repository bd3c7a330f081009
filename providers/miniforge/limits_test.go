package miniforge_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
)

// status is an API error's status, 0 for another error and 200 for none.
func status(err error) int {
	var api *github.ErrorResponse
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &api):
		return api.Response.StatusCode
	}
	return 0
}

func annotations(n int) []*github.CheckRunAnnotation {
	var list []*github.CheckRunAnnotation
	for i := range n {
		list = append(list, &github.CheckRunAnnotation{
			Path: github.String(second), StartLine: github.Int(i + 1), EndLine: github.Int(i + 1),
			AnnotationLevel: github.String("notice"), Message: github.String("m"),
		})
	}
	return list
}

func output(summary string, n int) *github.CheckRunOutput {
	return &github.CheckRunOutput{Title: github.String("t"), Summary: &summary, Annotations: annotations(n)}
}

func TestLimitsAreGitHubs(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	ctx, head := t.Context(), b.pr(n).Head.SHA
	run := func(o github.CreateCheckRunOptions) error {
		o.Name = "sql-review"
		if o.HeadSHA == "" {
			o.HeadSHA = head
		}
		_, _, err := b.in.Checks.CreateCheckRun(ctx, "acme", "orders", o)
		return err
	}
	comment := func(length int) error {
		_, _, err := b.in.Issues.CreateComment(ctx, "acme", "orders", n, &github.IssueComment{Body: github.String(strings.Repeat("ü", length))})
		return err
	}
	review := func(path string, line int) error {
		_, _, err := b.in.PullRequests.CreateReview(ctx, "acme", "orders", n, &github.PullRequestReviewRequest{
			Event: github.String("COMMENT"), Comments: []*github.DraftReviewComment{{
				Path: &path, Body: github.String("b"), Line: &line, Side: github.String("RIGHT"),
			}},
		})
		return err
	}
	long, action := strings.Repeat("x", 21), &github.CheckRunAction{Label: "l", Description: "d", Identifier: "i"}
	for name, tc := range map[string]struct {
		err  error
		want int
	}{
		"the longest comment":       {comment(65_536), 200},
		"a longer comment":          {comment(65_537), 422},
		"an empty comment":          {comment(0), 422},
		"50 annotations":            {run(github.CreateCheckRunOptions{Output: output("s", 50)}), 200},
		"51 annotations":            {run(github.CreateCheckRunOptions{Output: output("s", 51)}), 422},
		"the longest summary":       {run(github.CreateCheckRunOptions{Output: output(strings.Repeat("x", 65_535), 0)}), 200},
		"a longer summary":          {run(github.CreateCheckRunOptions{Output: output(strings.Repeat("x", 65_536), 0)}), 422},
		"a check of nothing":        {run(github.CreateCheckRunOptions{HeadSHA: strings.Repeat("0", 40)}), 422},
		"4 actions":                 {run(github.CreateCheckRunOptions{Actions: []*github.CheckRunAction{action, action, action, action}}), 422},
		"a long label":              {run(github.CreateCheckRunOptions{Actions: []*github.CheckRunAction{{Label: long, Description: "d", Identifier: "i"}}}), 422},
		"a review of a line":        {review(second, 2), 200},
		"a review outside the diff": {review(second, 3), 422},
		"a review of another file":  {review(first, 1), 422},
	} {
		if got := status(tc.err); got != tc.want {
			t.Errorf("%s: %d, want %d", name, got, tc.want)
		}
	}
}

func TestAnnotationsAreAppended(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	run := b.check(n, "failure")
	_, _, err := b.in.Checks.UpdateCheckRun(t.Context(), "acme", "orders", run.GetID(), github.UpdateCheckRunOptions{
		Name: "sql-review", Output: output("more", 50),
	})
	must(t, err)
	check, _ := b.pr(n).Check("sql-review")
	if len(check.Annotations) != 51 || check.Annotations[0].Message != "locks the table" || check.Conclusion != "failure" {
		t.Errorf("%d annotations, conclusion %s", len(check.Annotations), check.Conclusion)
	}
}

func TestPagesAndConditionalRequests(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	b.talkative(n, 105)
	seen := map[int64]bool{}
	pages := 0
	o := &github.IssueListCommentsOptions{ListOptions: github.ListOptions{PerPage: 50}}
	for {
		list, answer, err := b.in.Issues.ListComments(t.Context(), "acme", "orders", n, o)
		must(t, err)
		pages++
		for _, c := range list {
			seen[c.GetID()] = true
		}
		if answer.NextPage == 0 {
			break
		}
		o.Page = answer.NextPage
	}
	if len(seen) != 105 || pages != 3 {
		t.Errorf("%d comments on %d pages", len(seen), pages)
	}

	_, answer, err := b.in.PullRequests.Get(t.Context(), "acme", "orders", n)
	must(t, err)
	again := func() int {
		r := got[*http.Request](t)(b.in.NewRequest(http.MethodGet, fmt.Sprintf("repos/acme/orders/pulls/%d", n), nil))
		r.Header.Set("If-None-Match", answer.Header.Get("ETag"))
		_, err := b.in.Do(t.Context(), r, nil)
		return status(err)
	}
	if got := again(); got != http.StatusNotModified {
		t.Errorf("unchanged: %d", got)
	}
	title := "Another"
	must(t, b.EditPR(repo, n, miniforge.Edit{By: "ann", Title: &title}))
	if got := again(); got != http.StatusOK {
		t.Errorf("changed: %d", got)
	}
}

func TestRateLimit(t *testing.T) {
	b := newBench(t, miniforge.Options{RateLimit: 3})
	for i := range 4 {
		_, answer, err := b.in.Repositories.Get(t.Context(), "acme", "orders")
		var limited *github.RateLimitError
		if exhausted := errors.As(err, &limited); exhausted != (i == 3) {
			t.Errorf("request %d: %v", i+1, err)
		}
		if i < 3 && answer.Rate.Remaining != 2-i {
			t.Errorf("request %d leaves %d", i+1, answer.Rate.Remaining)
		}
	}
}

func TestFaults(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	get := func(ctx context.Context) error {
		_, _, err := b.in.PullRequests.Get(ctx, "acme", "orders", n)
		return err
	}
	pulls := miniforge.Match{Method: http.MethodGet, Path: "repos/*/*/pulls/*"}

	b.Fail(pulls, miniforge.Fault{Status: http.StatusBadGateway, Times: 2})
	if a, c, d := status(get(t.Context())), status(get(t.Context())), status(get(t.Context())); a != 502 || c != 502 || d != 200 {
		t.Errorf("twice 502: %d %d %d", a, c, d)
	}
	stop := b.Fail(pulls, miniforge.Fault{})
	if err := get(t.Context()); err == nil || status(err) != 0 {
		t.Errorf("cut connection: %v", err)
	}
	stop()
	must(t, get(t.Context()))

	stop = b.Fail(pulls, miniforge.Fault{Delay: time.Hour, Slow: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := get(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a slow answer that nobody waits for: %v", err)
	}
	stop()

	b.Fail(miniforge.Match{Method: http.MethodPost, Path: "repos/*/*/issues/*/comments"}, miniforge.Fault{AfterWrite: true, Times: 1})
	_, _, err := b.in.Issues.CreateComment(t.Context(), "acme", "orders", n, &github.IssueComment{Body: github.String("hello")})
	if err == nil || len(b.pr(n).Comments) != 1 {
		t.Errorf("cut after the write: %v, comments %v", err, b.pr(n).Comments)
	}
	b.Fail(miniforge.Match{If: func(r *http.Request) bool { return r.Header.Get("Authorization") != "" }}, miniforge.Fault{
		Status: http.StatusForbidden, Times: 1, Headers: map[string]string{"Retry-After": "60"},
		Body: `{"message":"You have exceeded a secondary rate limit","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}`,
	})
	var abuse *github.AbuseRateLimitError
	if err := get(t.Context()); !errors.As(err, &abuse) || abuse.GetRetryAfter() != time.Minute {
		t.Errorf("secondary limit: %v", err)
	}
}
