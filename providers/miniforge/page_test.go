package miniforge_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers/miniforge"
)

const sticky = "<!-- shipsql:v1 kind=main pr=1 -->\n### ❌ 1 error blocks this pull request\n\n" +
	"| Environment | Databases | Status |\n|---|---|---|\n| test | 0/1 | ⏸ waiting |\n\n" +
	"<details><summary>Warnings (1)</summary>\n\n`CREATE INDEX` blocks writes.\n\n```sql\nCREATE INDEX i ON b (id); -- slow\n```\n</details>\n\n" +
	"> [!WARNING]\n> The table has 10 million rows.\n\n<script>alert(1)</script><img src=x onerror=alert(2)>"

// story fills the bench with a pull request that shows every part of the page.
func (b *bench) story() int {
	b.t.Helper()
	must(b.t, b.Protect(repo, "main", "sql-review"))
	n := b.openPR()
	b.check(n, "failure")
	b.talk(n)
	_, _, err := b.in.Issues.CreateComment(b.t.Context(), "acme", "orders", n, &github.IssueComment{Body: github.String(sticky)})
	must(b.t, err)
	b.deploy(b.pr(n).Head.SHA)
	return n
}

func fetch(t *testing.T, address string) (int, string) {
	t.Helper()
	answer := got[*http.Response](t)(http.Get(address))
	defer answer.Body.Close()
	return answer.StatusCode, string(got[[]byte](t)(io.ReadAll(answer.Body)))
}

func wantAll(t *testing.T, html string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(html, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
}

func TestPageShowsThePullRequest(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	b.story()
	_, list := fetch(t, b.URL())
	wantAll(t, list, "acme/orders", "Add b", `href="/acme/orders/pull/1"`)
	status, html := fetch(t, b.URL()+"/acme/orders/pull/1")
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, html)
	}
	wantAll(t, html,
		"<h3>❌ 1 error blocks this pull request</h3>", "<td>⏸ waiting</td>", "<summary>Warnings (1)</summary>",
		`<span class="hl-keyword">CREATE</span>`, `class="alert alert-warning"`, "👀 1", // the conversation
		"Commit suggestion", `<select name="method"`, "required check sql-review: failure", // the merge box
		"locks the table", "One finding", ">Re-run review</button>", // the check
		"prod</strong> success", // the environment
	)
	for _, hostile := range []string{"alert(1)", "onerror", "alert(2)"} {
		if strings.Contains(html, hostile) {
			t.Errorf("the page holds %q", hostile)
		}
	}
	if status, _ := fetch(t, b.URL()+"/acme/orders/pull/99"); status != http.StatusNotFound {
		t.Errorf("a pull request that isn't there: %d", status)
	}
}

// post sends a form of the page with headers as a browser would.
func (b *bench) post(act string, form url.Values, headers map[string]string) int {
	b.t.Helper()
	address := b.URL() + "/acme/orders/pull/1/" + act
	r := got[*http.Request](b.t)(http.NewRequestWithContext(b.t.Context(), http.MethodPost, address, strings.NewReader(form.Encode())))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for key, value := range headers {
		r.Header.Set(key, value)
		if key == "Host" {
			r.Host = value
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer := got[*http.Response](b.t)(client.Do(r))
	defer answer.Body.Close()
	return answer.StatusCode
}

func TestPageActsAsPeople(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.story()
	same := map[string]string{"Sec-Fetch-Site": "same-origin"}
	if got := b.post("comment", url.Values{"user": {"carl"}, "body": {"/approve prod"}}, same); got != http.StatusSeeOther {
		t.Errorf("comment: %d", got)
	}
	comments := b.pr(n).Comments
	if last := comments[len(comments)-1]; last.Author != "carl" || last.Body != "/approve prod" {
		t.Errorf("the newest comment is %+v", last)
	}
	if got := b.post("merge", url.Values{"user": {"ann"}, "method": {"squash"}}, same); got != http.StatusConflict {
		t.Errorf("a blocked merge: %d", got)
	}
	inline := b.pr(n).ReviewComments[0]
	form := url.Values{"user": {"ann"}, "comment": {itoa(inline.ID)}}
	if got := b.post("suggestion", form, same); got != http.StatusSeeOther {
		t.Errorf("suggestion: %d", got)
	}
	if text, _ := b.File(repo, b.pr(n).Head.SHA, second); text != "CREATE TABLE b (id int);\nSELECT 2;\n" {
		t.Errorf("after the suggestion the file is %q", text)
	}
	run := b.check(n, "success")
	if got := b.post("check", url.Values{"user": {"ann"}, "check": {itoa(run.GetID())}, "action": {"rerun"}}, same); got != http.StatusSeeOther {
		t.Errorf("button: %d", got)
	}
	if got := b.post("merge", url.Values{"user": {"bob"}, "method": {"squash"}}, same); got != http.StatusSeeOther || !b.pr(n).Merged {
		t.Errorf("merge: %d, merged %v", got, b.pr(n).Merged)
	}
	_, html := fetch(t, b.URL()+"/acme/orders/pull/1")
	wantAll(t, html, "<strong>bob</strong> merged 2 commits", "(outdated)")
}

func TestPageRefusesStrangersForms(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	form := url.Values{"user": {"carl"}, "body": {"/approve prod"}}
	for name, headers := range map[string]map[string]string{
		"another site":   {"Sec-Fetch-Site": "cross-site"},
		"another origin": {"Origin": "https://evil.example"},
		"another name":   {"Host": "evil.example"},
	} {
		if got := b.post("comment", form, headers); got != http.StatusForbidden {
			t.Errorf("%s: %d, want 403", name, got)
		}
	}
	if comments := b.pr(n).Comments; len(comments) != 0 {
		t.Errorf("comments were made: %v", comments)
	}
	if err := miniforge.New(miniforge.Options{}).Serve("0.0.0.0:0"); err == nil {
		t.Error("it listens for everyone")
	}
}

// The page hears of a change by a server-sent event.
func TestPageIsToldOfChanges(t *testing.T) {
	b := newBench(t, miniforge.Options{})
	n := b.openPR()
	r := got[*http.Request](t)(http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL()+"/acme/orders/pull/1/events", nil))
	answer := got[*http.Response](t)(http.DefaultClient.Do(r))
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	if !lines.Scan() || lines.Text() != "retry: 1000" {
		t.Fatalf("the stream begins with %q: %v", lines.Text(), lines.Err())
	}
	got[int64](t)(b.CommentAs(repo, n, "bob", "hello"))
	for lines.Scan() {
		if lines.Text() == "event: change" {
			return
		}
	}
	t.Errorf("the stream ended without a change: %v", lines.Err())
}
