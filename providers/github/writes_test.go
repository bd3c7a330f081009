package github_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// written records the bodies of writes and answers each with the id 5.
type written struct {
	mu     sync.Mutex
	bodies []map[string]any
}

func (s *written) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		answer(w, http.StatusOK, `[]`)
		return
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, http.StatusBadRequest, `{"message":"Problems parsing JSON"}`)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies = append(s.bodies, body)
	answer(w, http.StatusCreated, `{"id":5}`)
}

// last is the newest body.
func (s *written) last() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies[len(s.bodies)-1]
}

func TestACheckAsItIsSent(t *testing.T) {
	sink := &written{}
	p := newFake(t, sink.ServeHTTP).provider(t)
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	id, err := p.PutCheck(t.Context(), orders, providers.Check{
		Name: "sql-review", HeadSHA: "abc", ExternalID: "pr-4", DetailsURL: "https://s.example.com/x",
		Status: providers.Completed, Conclusion: providers.Failure, Started: at, Completed: at.Add(time.Second),
		Title: "Title", Summary: "Summary", Text: "Text",
		Annotations: []providers.Annotation{
			{Path: "a.sql", StartLine: 3, EndLine: 3, StartColumn: 2, EndColumn: 9, Level: providers.LevelFailure, Title: "T", Message: "M"},
			{Path: "a.sql", StartLine: 3, EndLine: 5, StartColumn: 2, EndColumn: 9, Level: providers.LevelWarning, Message: "M"},
			{Path: "a.sql", Title: "only a title"},
		},
		Actions: []providers.Action{{Identifier: "waive", Label: strings.Repeat("ä", 30), Description: strings.Repeat("ö", 50)}},
	})
	if err != nil || id != 5 {
		t.Fatalf("PutCheck: %d, %v", id, err)
	}
	want := object{
		"name": "sql-review", "head_sha": "abc", "external_id": "pr-4", "details_url": "https://s.example.com/x",
		"status": "completed", "conclusion": "failure", "started_at": "2026-11-20T12:00:00Z", "completed_at": "2026-11-20T12:00:01Z",
		"output": object{"title": "Title", "summary": "Summary", "text": "Text", "annotations": []any{
			object{"path": "a.sql", "start_line": 3.0, "end_line": 3.0, "start_column": 2.0, "end_column": 9.0, "annotation_level": "failure", "title": "T", "message": "M"},
			object{"path": "a.sql", "start_line": 3.0, "end_line": 5.0, "annotation_level": "warning", "message": "M"},
			object{"path": "a.sql", "start_line": 1.0, "end_line": 1.0, "annotation_level": "notice", "title": "only a title", "message": "only a title"},
		}},
		"actions": []any{object{"identifier": "waive", "label": strings.Repeat("ä", 20), "description": strings.Repeat("ö", 40)}},
	}
	if diff := cmp.Diff(want, sink.last()); diff != "" {
		t.Error(diff)
	}
}

func TestButtonsThatGitHubWouldRefuse(t *testing.T) {
	f := newFake(t, (&written{}).ServeHTTP)
	p := f.provider(t)
	for name, actions := range map[string][]providers.Action{
		"four of them":      make([]providers.Action, 4),
		"no identifier":     {{Label: "x"}},
		"a long identifier": {{Identifier: strings.Repeat("x", 21)}},
	} {
		if _, err := p.PutCheck(t.Context(), orders, providers.Check{Name: "c", HeadSHA: "abc", Actions: actions}); fault.CodeOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want an invalid error", name, err)
		}
	}
	if len(f.calls()) != 0 {
		t.Errorf("calls: %v", f.calls())
	}
}

func TestAReviewAsItIsSent(t *testing.T) {
	sink := &written{}
	f := newFake(t, sink.ServeHTTP)
	p := f.provider(t)
	if err := p.AddReview(t.Context(), orders, 4, providers.Review{Commit: "abc"}); err != nil || len(f.calls()) != 0 {
		t.Errorf("an empty review: %v, calls %v", err, f.calls())
	}
	err := p.AddReview(t.Context(), orders, 4, providers.Review{Commit: "abc", Comments: []providers.InlineComment{
		{Path: "a.sql", Line: 3, Body: "one", Marker: "<!-- 1 -->"}, {Path: "a.sql", StartLine: 4, Line: 4, Body: "two", Marker: "<!-- 2 -->"},
		{Path: "b.sql", StartLine: 1, Line: 2, Body: "three", Marker: "<!-- 3 -->"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := object{"commit_id": "abc", "event": "COMMENT", "comments": []any{
		object{"path": "a.sql", "line": 3.0, "side": "RIGHT", "body": "one\n\n<!-- 1 -->"},
		object{"path": "a.sql", "line": 4.0, "side": "RIGHT", "body": "two\n\n<!-- 2 -->"},
		object{"path": "b.sql", "start_line": 1.0, "start_side": "RIGHT", "line": 2.0, "side": "RIGHT", "body": "three\n\n<!-- 3 -->"},
	}}
	if diff := cmp.Diff(want, sink.last()); diff != "" {
		t.Error(diff)
	}
}

func TestADeploymentAsItIsSent(t *testing.T) {
	sink := &written{}
	p := newFake(t, sink.ServeHTTP).provider(t)
	id, err := p.PutDeployment(t.Context(), orders, providers.Deployment{
		SHA: "abc", Environment: "prod", Production: true, State: providers.DeploymentInProgress,
		Description: strings.Repeat("é", 200), LogURL: "https://s.example.com/log",
	})
	if err != nil || id != 5 {
		t.Fatalf("PutDeployment: %d, %v", id, err)
	}
	short := strings.Repeat("é", 140)
	want := []map[string]any{
		{"ref": "abc", "task": "deploy:migrations", "environment": "prod", "production_environment": true, "auto_merge": false, "required_contexts": []any{}, "description": short},
		{"state": "in_progress", "environment": "prod", "description": short, "log_url": "https://s.example.com/log"},
	}
	if diff := cmp.Diff(want, sink.bodies); diff != "" {
		t.Error(diff)
	}
}

func TestAStickyNeedsAMarker(t *testing.T) {
	f := newFake(t, (&written{}).ServeHTTP)
	if _, err := f.provider(t).PutSticky(t.Context(), orders, 1, providers.Sticky{Body: "x"}); fault.CodeOf(err) != fault.Internal || len(f.calls()) != 0 {
		t.Errorf("%v, calls %v", err, f.calls())
	}
}

func TestTextsAreCutToTheLimits(t *testing.T) {
	const marker = "<!-- shipsql:v1 kind=main pr=1 -->"
	sink := &written{}
	p := newFake(t, sink.ServeHTTP).provider(t)
	for name, body := range map[string]string{
		"one long line":   strings.Repeat("x", 200_000),
		"emoji":           strings.Repeat("🐘", 50_000),
		"inside a fence":  "intro\n\n````sql\n" + strings.Repeat("select 1; -- ```\n", 12_000) + "````\n",
		"inside details":  strings.Repeat("<details><summary>x</summary>\n\n~~~\n</details>\n~~~\n", 5_000),
		"no valid UTF-8":  strings.Repeat("a\xff\n", 60_000),
		"only a few over": strings.Repeat("y\n", 32_751),
	} {
		if _, err := p.PutSticky(t.Context(), orders, 1, providers.Sticky{Marker: marker, Body: body}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := sink.last()["body"].(string)
		if len(got) > 65536 || len(got) < 60000 || !strings.HasPrefix(got, marker+"\n") || !strings.Contains(got, "cut here") {
			t.Errorf("%s: %d bytes, begins %.60q, ends %q", name, len(got), got, got[len(got)-80:])
		}
		wellFormed(t, got)
	}
}

func TestTextsThatFitAreLeftAlone(t *testing.T) {
	sink := &written{}
	p := newFake(t, sink.ServeHTTP).provider(t)
	body := "<!-- n -->\n" + strings.Repeat("é", 32_762) + "."
	if _, err := p.AddComment(t.Context(), orders, 1, note(body)); err != nil || sink.last()["body"] != body {
		t.Errorf("65,536 bytes: %v", err)
	}
}

func TestAnyTextIsCutWell(t *testing.T) {
	sink := &written{}
	p := newFake(t, sink.ServeHTTP).provider(t)
	piece := rapid.SampledFrom([]string{
		"```sql\n", "```\n", "````\n", "~~~\n", "<details>\n", "</details>\n", "select 'é' from t;\n", "@ann 🐘\n", "\n",
		strings.Repeat("x", 5000), strings.Repeat("🐘", 999) + "\n", strings.Repeat("line\n", 999),
	})
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 1, 120).Draw(r, "pieces"), "")
		_, err := p.PutCheck(t.Context(), orders, providers.Check{Name: "c", HeadSHA: "abc", Summary: text, Text: text})
		if err != nil {
			r.Fatal(err)
		}
		got := sink.last()["output"].(map[string]any)["summary"].(string)
		switch {
		case len(text) <= 65535 && got != text:
			r.Fatalf("a text of %d bytes was changed", len(text))
		case len(got) > 65535:
			r.Fatalf("%d bytes", len(got))
		case len(text) > 65535:
			wellFormed(r, got)
		}
	})
}

// wellFormed fails when Markdown is no UTF-8, or ends inside a fence.
func wellFormed(t interface{ Errorf(string, ...any) }, text string) {
	if !utf8.ValidString(text) {
		t.Errorf("no valid UTF-8")
	}
	fence := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		for _, mark := range []string{"`", "~"} {
			run := line[:len(line)-len(strings.TrimLeft(line, mark))]
			switch {
			case len(run) < 3:
			case fence == "" && !strings.Contains(line[len(run):], "`"):
				fence = run
			case fence != "" && line == run && strings.HasPrefix(run, fence):
				fence = ""
			}
		}
	}
	if fence != "" {
		t.Errorf("ends inside a fence %s: %q", fence, text[max(0, len(text)-120):])
	}
}

func TestReactionsAndTheirErrors(t *testing.T) {
	sink := &written{}
	if err := newFake(t, sink.ServeHTTP).provider(t).React(t.Context(), orders, 9, providers.Seen); err != nil || sink.last()["content"] != "eyes" {
		t.Errorf("React: %v, %v", sink.last(), err)
	}
	err := newFake(t, always(http.StatusNotFound, `{}`)).provider(t).React(t.Context(), orders, 9, providers.Seen)
	if fault.CodeOf(err) != fault.NotFound || !strings.Contains(fmt.Sprint(err), "comment 9") {
		t.Errorf("React to a comment that is gone: %v", err)
	}
}
