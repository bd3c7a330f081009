package release

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/deploy"
)

// Text prints the release for a person: what it is, where it stands, what is in
// the way with the next command, and who decided what.
func (s Show) Text(t Terminal) {
	t.line("%s  %s", s.ID, t.state(s.State))
	t.line("%s of %s", s.change(), plain(s.Project))
	t.line("%s, by %s, merged %s (%s ago) as %s", plain(s.Title), plain(s.Author), stamp(s.MergedAt), t.age(s.MergedAt), s.commit())
	t.line("hash %s, %s", s.Hash, s.reviewed())
	if s.Refusal != nil {
		t.line("the branch is stopped: %s; %s", plain(s.Refusal.Text), plain(s.Refusal.Next))
	}
	t.line("")
	t.table(s.migrations())
	for _, stage := range s.Stages {
		t.line("")
		stage.text(t, s.ID)
	}
	t.line("")
	t.table(s.audit())
}

func (s Show) reviewed() string {
	switch {
	case s.Review.Hash != s.Hash || s.Review.Hash == "":
		return "not reviewed yet"
	case s.Review.Clean:
		return "reviewed: nothing blocks"
	}
	return "reviewed: " + count(s.Review.Errors, "blocking finding")
}

func (s Show) migrations() [][]string {
	rows := [][]string{{"MIGRATION", "KIND", "STATEMENTS", "NOTE"}}
	for _, m := range s.Migrations {
		note := ""
		switch {
		case m.Withdrawn:
			note = "withdrawn"
		case m.Broken:
			note = "can't be applied"
		}
		for _, p := range s.Problems {
			if p.Path == m.Path && p.Answer == nil {
				note = plain(p.Text)
			}
		}
		rows = append(rows, []string{plain(m.Path), m.Kind, fmt.Sprint(m.Statements), note})
	}
	return rows
}

func (s Show) audit() [][]string {
	rows := [][]string{{"WHEN", "WHO", "WHAT", "EVIDENCE"}}
	for _, a := range s.Audit {
		what := strings.Join(slices.DeleteFunc([]string{a.Action, a.Environment, a.Database}, func(s string) bool { return s == "" }), " ")
		rows = append(rows, []string{stamp(a.At), plain(who(a.Actor)), plain(what), clipped(evidence(a.Data), evidenceWidth)})
	}
	return rows
}

const evidenceWidth = 100

// evidence is an audit row's data in words; the JSON has all of it.
func evidence(data json.RawMessage) string {
	var fields map[string]any
	if json.Unmarshal(data, &fields) != nil {
		return ""
	}
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		if text, isText := fields[key].(string); isText && text != "" && key != "hash" {
			parts = append(parts, key+": "+text)
		}
	}
	return strings.Join(parts, ", ")
}

func (s Stage) text(t Terminal, release string) {
	passed, all := 0, 0
	for state, n := range s.Counts {
		if all += n; state.Passed() {
			passed += n
		}
	}
	t.line("%s  %s  %d of %s", plain(s.Environment), t.state(s.State), passed, count(max(all, len(s.Databases)), "database"))
	for _, r := range s.Reasons {
		t.reason(r, release)
	}
	for _, a := range s.Approvals {
		if !a.Counts {
			t.line("  approval by %s does not count: %s", plain(a.By), strings.ReplaceAll(a.Why, "_", " "))
			continue
		}
		t.line("  approved by %s at %s", plain(a.By), stamp(a.At))
	}
	for _, k := range s.Skips {
		t.line("  skipped: %s, by %s: %s", plain(k.Path), plain(k.By), plain(k.Reason))
	}
	s.tasks(t)
}

// shownTasks bounds the databases that text names; JSON has more.
const shownTasks = 20

// tasks shows every database of a small stage, and of a large one what is not
// done yet.
func (s Stage) tasks(t Terminal) {
	shown := slices.DeleteFunc(slices.Clone(s.Tasks), func(task Task) bool { return len(s.Tasks) > shownTasks && task.State.Passed() })
	for _, task := range shown[:min(len(shown), shownTasks)] {
		task.text(t)
	}
	if more := len(shown) - shownTasks; more > 0 {
		t.line("  … and %d more; --format json shows more of them", more)
	}
}

func (k Task) text(t Terminal) {
	t.line("  %s  %s%s", plain(k.Database), t.state(k.State), k.detail(t))
	if f := k.Failure; f != nil && !k.State.Passed() {
		t.line("    %s", plain(place(*f)))
		for _, more := range [][2]string{{"detail", f.Detail}, {"hint", f.Hint}, {"next", f.Next}} {
			if more[1] != "" {
				t.line("    %s: %s", more[0], plain(more[1]))
			}
		}
	}
}

func (k Task) detail(t Terminal) string {
	switch {
	case k.State == deploy.Running && k.Progress.Path != "":
		return fmt.Sprintf("  %s, statement %d of %d%s", plain(k.Progress.Path), k.Progress.Statement, k.Progress.Total, phase(k.Progress))
	case k.RetryAt != nil && k.RetryAt.After(t.Now):
		return "  again at " + stamp(*k.RetryAt)
	case k.StartedAt != nil && k.FinishedAt != nil:
		return fmt.Sprintf("  %.1f s", k.FinishedAt.Sub(*k.StartedAt).Seconds())
	}
	return ""
}

// phase is what a database tells of a statement that takes long.
func phase(p deploy.Progress) string {
	var b strings.Builder
	if p.Phase != "" {
		b.WriteString(", " + plain(p.Phase))
	}
	if percent, known := p.Percent(); known {
		fmt.Fprintf(&b, " %d %%", percent)
	}
	if p.Waits != "" {
		b.WriteString("; " + plain(p.Waits))
	}
	return b.String()
}

// reason prints what is in the way, who can change that, and how.
func (t Terminal) reason(r deploy.Reason, release string) {
	text := plain(r.Text)
	if r.Database != "" && !strings.Contains(r.Text, r.Database) {
		text = plain(r.Database) + ": " + text
	}
	if r.Who != "" {
		text += " (" + plain(r.Who) + ")"
	}
	t.line("  %s", text)
	for _, n := range r.Next {
		t.line("    %s", Command(n, release))
	}
}

// place is a failure with where it happened.
func place(f deploy.Failure) string {
	var b strings.Builder
	b.WriteString(f.Path)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	if f.Statement > 0 {
		fmt.Fprintf(&b, ": statement %d", f.Statement)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	b.WriteString(f.Message)
	if f.SQLState != "" {
		b.WriteString(" (SQLSTATE " + f.SQLState + ")")
	}
	return b.String()
}
