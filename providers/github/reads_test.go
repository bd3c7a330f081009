package github_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// object is JSON in the making.
type object = map[string]any

// paged serves total things in pages, as GitHub does: with a Link header.
func paged(w http.ResponseWriter, r *http.Request, total int, thing func(i int) any) []any {
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	first := (page - 1) * size
	list := []any{}
	for i := first; i < min(first+size, total); i++ {
		list = append(list, thing(i))
	}
	if first+size < total {
		w.Header().Set("Link", fmt.Sprintf(`<http://%s%s?per_page=%d&page=%d>; rel="next"`, r.Host, r.URL.Path, size, page+1))
	}
	return list
}

func TestListsAreReadToTheirEnd(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("base") == "main" && r.URL.Query().Get("state") != "open" {
			t.Errorf("asks for %s", r.URL)
		}
		answerJSON(w, paged(w, r, 250, func(i int) any { return object{"number": i + 1, "state": "open"} }))
	})
	p := f.provider(t)
	open, err := p.OpenPullRequests(t.Context(), orders, "main")
	if err != nil || len(open) != 250 || open[249].Number != 250 || !open[0].Open {
		t.Errorf("%d open pull requests, %v", len(open), err)
	}
	numbers, err := p.PullRequestsOf(t.Context(), orders, "abc")
	if err != nil || len(numbers) != 250 || numbers[249] != 250 {
		t.Errorf("%d pull requests of a commit, %v", len(numbers), err)
	}
	if n := len(f.calls()); n != 6 {
		t.Errorf("%d calls, want 6", n)
	}
}

// At GitHub's caps a list may be cut without a word, so it is no list.
func TestCapsFailClosed(t *testing.T) {
	for _, c := range []struct {
		files, commits int
		wantErr        bool
	}{
		{2999, 249, false},
		{3000, 250, true},
		{5000, 400, true},
	} {
		p := newFake(t, func(w http.ResponseWriter, r *http.Request) {
			total := c.files
			if strings.HasSuffix(r.URL.Path, "/commits") {
				total = c.commits
			}
			answerJSON(w, paged(w, r, total, func(i int) any {
				return object{"filename": fmt.Sprint(i), "author": object{"login": fmt.Sprint("u", i)}}
			}))
		}).provider(t)
		files, err := p.ChangedFiles(t.Context(), orders, 1)
		if errors.Is(err, providers.ErrTooMany) != c.wantErr || (err == nil) != (len(files) == c.files) {
			t.Errorf("%d files: %d, %v", c.files, len(files), err)
		}
		people, err := p.PullRequestPeople(t.Context(), orders, 1)
		if errors.Is(err, providers.ErrTooMany) != c.wantErr || (err == nil) == (len(people) == 0) {
			t.Errorf("%d commits: %d people, %v", c.commits, len(people), err)
		}
	}
}

func TestFilesOfAPullRequest(t *testing.T) {
	p := newFake(t, always(http.StatusOK, `[
		{"filename":"a.sql","status":"added","sha":"1","patch":"@@ -0,0 +1,2 @@\n+a\n+b"},
		{"filename":"b.sql","status":"modified","sha":"2"},
		{"filename":"c.sql","status":"removed","sha":"3"},
		{"filename":"e.sql","status":"renamed","previous_filename":"d.sql","sha":"4"},
		{"filename":"f.sql","status":"copied","previous_filename":"a.sql","sha":"5"},
		{"filename":"g.sql","status":"changed","sha":"6"}]`)).provider(t)
	got, err := p.ChangedFiles(t.Context(), orders, 1)
	want := []providers.ChangedFile{
		{Path: "a.sql", Status: providers.Added, Blob: "1", Patch: "@@ -0,0 +1,2 @@\n+a\n+b"},
		{Path: "b.sql", Status: providers.Modified, Blob: "2"},
		{Path: "c.sql", Status: providers.Removed},
		{Path: "e.sql", Previous: "d.sql", Status: providers.Renamed, Blob: "4"},
		{Path: "f.sql", Status: providers.Added, Blob: "5"},
		{Path: "g.sql", Status: providers.Modified, Blob: "6"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestPullRequestsOfEveryShape(t *testing.T) {
	for name, c := range map[string]struct {
		json string
		want func(providers.PullRequest) bool
	}{
		"a test merge is no merge": {`{"state":"open","merge_commit_sha":"abc"}`, func(p providers.PullRequest) bool { return p.Open && !p.Merged && p.MergeCommit == "" }},
		"merged": {`{"state":"closed","merged":true,"merge_commit_sha":"abc","merged_by":{"login":"ann"}}`, func(p providers.PullRequest) bool {
			return !p.Open && p.Merged && p.MergeCommit == "abc" && p.MergedBy.Login == "ann"
		}},
		"merged, of a list":          {`{"state":"closed","merged_at":"2026-01-01T00:00:00Z","merge_commit_sha":"abc"}`, func(p providers.PullRequest) bool { return p.Merged && p.MergeCommit == "abc" }},
		"of the same repository":     {`{"base":{"repo":{"full_name":"a/b"}},"head":{"repo":{"full_name":"a/b"}}}`, func(p providers.PullRequest) bool { return !p.Fork }},
		"of a fork":                  {`{"base":{"repo":{"full_name":"a/b"}},"head":{"repo":{"full_name":"c/b"}}}`, func(p providers.PullRequest) bool { return p.Fork && p.Head.Repo == "c/b" }},
		"of a fork that was deleted": {`{"base":{"repo":{"full_name":"a/b"}},"head":{"repo":null}}`, func(p providers.PullRequest) bool { return p.Fork && p.Head.Repo == "" }},
		"by a bot, with labels": {`{"user":{"login":"x[bot]","type":"Bot"},"labels":[{"name":"l"}],"draft":true}`, func(p providers.PullRequest) bool {
			return p.Author.Bot && p.Draft && slices.Equal(p.Labels, []string{"l"})
		}},
	} {
		p := newFake(t, always(http.StatusOK, c.json)).provider(t)
		if pr, err := p.PullRequest(t.Context(), orders, 1); err != nil || !c.want(pr) {
			t.Errorf("%s: %+v, %v", name, pr, err)
		}
	}
}

func TestEveryoneBehindAPullRequest(t *testing.T) {
	commit := func(author, authorMail, committer, committerMail, message string) object {
		user := func(login string) any {
			if login == "" {
				return nil
			}
			return object{"login": login, "id": len(login)}
		}
		return object{
			"author": user(author), "committer": user(committer),
			"commit": object{
				"author": object{"name": "N " + authorMail, "email": authorMail}, "message": message,
				"committer": object{"name": "N " + committerMail, "email": committerMail},
			},
		}
	}
	commits := []any{
		commit("ann", "ann@x", "web-flow", "noreply@github.com", "one"),
		commit("ann", "ann@x", "bob", "bob@x", "two\n\nCo-authored-by: Cy <cy@x>\nco-authored-by: Dee <12+dee@users.noreply.github.com>"),
		commit("", "eve@x", "", "noreply@github.com", "three\n\nCo-Authored-By: Ann <ANN@x>\r\nCo-authored-by: Bot <7+dep[bot]@users.noreply.github.com>\r\n"),
		commit("", "old@users.noreply.github.com", "bob", "bob@x", "four Co-authored-by: in prose <no@x>"),
		commit("", "eve@x", "", "eve@x", "five"),
	}
	p := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, paged(w, r, len(commits), func(i int) any { return commits[i] }))
	}).provider(t)
	people, err := p.PullRequestPeople(t.Context(), orders, 1)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, who := range people {
		got = append(got, fmt.Sprintf("%s/%s/%d/%t", who.Login, who.Email, who.ID, who.Bot))
	}
	want := []string{
		"ann/ann@x/3/false", "bob/bob@x/3/false", "/cy@x/0/false", "dee/12+dee@users.noreply.github.com/12/false",
		"/eve@x/0/false", "dep[bot]/7+dep[bot]@users.noreply.github.com/7/true", "old/old@users.noreply.github.com/0/false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestHistoryAtItsEdges(t *testing.T) {
	compare := func(status string, total int, commits ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			answer(w, http.StatusOK, fmt.Sprintf(`{"status":%q,"total_commits":%d,"commits":[%s]}`, status, total, strings.Join(commits, ",")))
		}
	}
	const a, b = `{"sha":"a","parents":[{"sha":"from"}]}`, `{"sha":"b","parents":[{"sha":"a"},{"sha":"side"}]}`
	for name, c := range map[string]struct {
		api  http.HandlerFunc
		want []string
		is   error
	}{
		"identical":        {compare("identical", 0), nil, nil},
		"ahead":            {compare("ahead", 2, a, b), []string{"a", "b"}, nil},
		"behind":           {compare("behind", 0), nil, providers.ErrNotAncestor},
		"diverged":         {compare("diverged", 2, a, b), nil, providers.ErrNotAncestor},
		"a circle":         {compare("ahead", 2, `{"sha":"a","parents":[{"sha":"b"}]}`, `{"sha":"b","parents":[{"sha":"a"}]}`), []string{"a", "b"}, nil},
		"without parents":  {compare("ahead", 1, `{"sha":"b"}`), []string{"b"}, nil},
		"too many":         {compare("ahead", 5001), nil, providers.ErrTooMany},
		"some are missing": {compare("ahead", 3, a, b), nil, providers.ErrTooMany},
	} {
		p := newFake(t, c.api).provider(t)
		line, err := p.FirstParents(t.Context(), orders, "from", "b")
		var got []string
		for _, commit := range line {
			got = append(got, commit.SHA)
		}
		if !errors.Is(err, c.is) || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestACursorThatIsNotThereAnyMore(t *testing.T) {
	f := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v3/repos/acme/orders/commits/head" {
			answer(w, http.StatusOK, `{"sha":"head"}`)
			return
		}
		answer(w, http.StatusNotFound, `{"message":"Not Found"}`)
	})
	p := f.provider(t)
	if _, err := p.FirstParents(t.Context(), orders, "gone", "head"); !errors.Is(err, providers.ErrNotAncestor) || fault.CodeOf(err) != fault.Conflict {
		t.Errorf("without the cursor: %v, want ErrNotAncestor", err)
	}
	_, err := p.FirstParents(t.Context(), orders, "gone", "nowhere")
	if !errors.Is(err, providers.ErrNotFound) || errors.Is(err, providers.ErrNotAncestor) {
		t.Errorf("without the head: %v, want ErrNotFound", err)
	}
}

func TestARenamedBranchIsNotFound(t *testing.T) {
	p := newFake(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/api/v3/repos/acme/orders/branches/release%2F1" {
			t.Errorf("asks for %s", r.URL.EscapedPath())
		}
		answer(w, http.StatusOK, `{"name":"main","commit":{"sha":"abc"}}`)
	}).provider(t)
	if _, err := p.Head(t.Context(), orders, "release/1"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}

func TestUnknownCommits(t *testing.T) {
	p := newFake(t, always(http.StatusUnprocessableEntity, `{"message":"No commit found for SHA: abc"}`)).provider(t)
	if _, err := p.Commit(t.Context(), orders, "abc"); !errors.Is(err, providers.ErrNotFound) || fault.CodeOf(err) != fault.NotFound {
		t.Errorf("Commit: %v", err)
	}
	if _, err := p.PullRequestsOf(t.Context(), orders, "abc"); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("PullRequestsOf: %v", err)
	}
	p = newFake(t, always(http.StatusConflict, `{"message":"Git Repository is empty."}`)).provider(t)
	if _, err := p.Tree(t.Context(), orders, "abc", ""); !errors.Is(err, providers.ErrNotFound) {
		t.Errorf("Tree of an empty repository: %v", err)
	}
}

func TestPermissions(t *testing.T) {
	for body, want := range map[string]providers.Permission{
		`{"permission":"admin","role_name":"admin"}`:        providers.AdminPermission,
		`{"permission":"write","role_name":"maintain"}`:     providers.MaintainPermission,
		`{"permission":"read","role_name":"triage"}`:        providers.TriagePermission,
		`{"permission":"write","role_name":"release-crew"}`: providers.WritePermission,
		`{"permission":"read"}`:                             providers.ReadPermission,
		`{"permission":"none","role_name":"none"}`:          providers.NoPermission,
		`{"permission":"owner of all"}`:                     providers.NoPermission,
		`{}`:                                                providers.NoPermission,
	} {
		p := newFake(t, always(http.StatusOK, body)).provider(t)
		if got, err := p.Permission(t.Context(), orders, "ann"); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", body, got, err, want)
		}
	}
	p := newFake(t, always(http.StatusNotFound, `{}`)).provider(t)
	if got, err := p.Permission(t.Context(), orders, "nobody"); err != nil || got != providers.NoPermission {
		t.Errorf("a stranger: %s, %v", got, err)
	}
	p = newFake(t, always(http.StatusBadGateway, `{}`)).provider(t)
	if got, err := p.Permission(t.Context(), orders, "ann"); err == nil || got != providers.NoPermission {
		t.Errorf("no answer: %s, %v; want an error", got, err)
	}
}

func TestTeams(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   bool
		fails  bool
	}{
		{http.StatusOK, `{"state":"active"}`, true, false},
		{http.StatusOK, `{"state":"pending"}`, false, false},
		{http.StatusNotFound, `{}`, false, false},
		{http.StatusForbidden, `{"message":"Resource not accessible by integration"}`, false, true},
		{http.StatusBadGateway, `{}`, false, true},
	} {
		p := newFake(t, always(c.status, c.body)).provider(t)
		if got, err := p.InTeam(t.Context(), "acme/dba", "ann"); got != c.want || (err != nil) != c.fails {
			t.Errorf("%d %s: %t, %v", c.status, c.body, got, err)
		}
	}
	gone := newFake(t, always(http.StatusOK, `{"state":"active"}`))
	gone.install(0)
	if got, err := gone.provider(t).InTeam(t.Context(), "acme/dba", "ann"); got || !errors.Is(err, providers.ErrGone) {
		t.Errorf("without an installation: %t, %v; want ErrGone", got, err)
	}
}
