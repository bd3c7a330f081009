package release

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/deploy"
)

// Text prints the release for a person: what it is, where it stands, what is in
// the way with the next command, and who decided what.
func (s Show) Text(t console.Terminal) {
	t.Line("%s  %s", s.ID, coloured(t, s.State))
	t.Line("%s of %s", s.change(), console.Plain(s.Project))
	t.Line("%s, by %s, merged %s (%s ago) as %s", console.Plain(s.Title), console.Plain(s.Author), console.Stamp(s.MergedAt), t.Age(s.MergedAt), s.commit())
	t.Line("hash %s, %s", s.Hash, s.reviewed())
	if s.Refusal != nil {
		t.Line("the branch is stopped: %s; %s", console.Plain(s.Refusal.Text), console.Plain(s.Refusal.Next))
	}
	t.Line("")
	t.Table(s.migrations())
	for _, stage := range s.Stages {
		t.Line("")
		stage.text(t, s.ID)
	}
	t.Line("")
	t.Table(s.audit())
}

func (s Show) reviewed() string {
	switch {
	case s.Review.Hash != s.Hash || s.Review.Hash == "":
		return "not reviewed yet"
	case s.Review.Clean:
		return "reviewed: nothing blocks"
	}
	return "reviewed: " + console.Count(s.Review.Errors, "blocking finding")
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
				note = console.Plain(p.Text)
			}
		}
		rows = append(rows, []string{console.Plain(m.Path), m.Kind, fmt.Sprint(m.Statements), note})
	}
	return rows
}

func (s Show) audit() [][]string {
	rows := [][]string{{"WHEN", "WHO", "WHAT", "EVIDENCE"}}
	for _, a := range s.Audit {
		what := strings.Join(slices.DeleteFunc([]string{a.Action, a.Environment, a.Database}, func(s string) bool { return s == "" }), " ")
		rows = append(rows, []string{console.Stamp(a.At), console.Plain(who(a.Actor)), console.Plain(what), console.Clipped(evidence(a.Data), evidenceWidth)})
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

func (s Stage) text(t console.Terminal, release string) {
	passed, all := 0, 0
	for state, n := range s.Counts {
		if all += n; state.Passed() {
			passed += n
		}
	}
	t.Line("%s  %s  %d of %s", console.Plain(s.Environment), coloured(t, s.State), passed, console.Count(max(all, len(s.Databases)), "database"))
	for _, r := range s.Reasons {
		reason(t, r, release)
	}
	for _, a := range s.Approvals {
		if !a.Counts {
			t.Line("  approval by %s does not count: %s", console.Plain(a.By), strings.ReplaceAll(a.Why, "_", " "))
			continue
		}
		t.Line("  approved by %s at %s", console.Plain(a.By), console.Stamp(a.At))
	}
	for _, k := range s.Skips {
		t.Line("  skipped: %s, by %s: %s", console.Plain(k.Path), console.Plain(k.By), console.Plain(k.Reason))
	}
	s.tasks(t)
}

// shownTasks bounds the databases that text names; JSON has more.
const shownTasks = 20

// tasks shows every database of a small stage, and of a large one what is not
// done yet.
func (s Stage) tasks(t console.Terminal) {
	shown := slices.DeleteFunc(slices.Clone(s.Tasks), func(task Task) bool { return len(s.Tasks) > shownTasks && task.State.Passed() })
	for _, task := range shown[:min(len(shown), shownTasks)] {
		task.text(t)
	}
	if more := len(shown) - shownTasks; more > 0 {
		t.Line("  … and %d more; --format json shows more of them", more)
	}
}

func (k Task) text(t console.Terminal) {
	t.Line("  %s  %s%s", console.Plain(k.Database), coloured(t, k.State), k.detail(t))
	if f := k.Failure; f != nil && !k.State.Passed() {
		t.Line("    %s", console.Plain(place(*f)))
		for _, more := range [][2]string{{"detail", f.Detail}, {"hint", f.Hint}, {"next", f.Next}} {
			if more[1] != "" {
				t.Line("    %s: %s", more[0], console.Plain(more[1]))
			}
		}
	}
}

func (k Task) detail(t console.Terminal) string {
	switch {
	case k.State == deploy.Running && k.Progress.Path != "":
		return fmt.Sprintf("  %s, statement %d of %d%s", console.Plain(k.Progress.Path), k.Progress.Statement, k.Progress.Total, phase(k.Progress))
	case k.RetryAt != nil && k.RetryAt.After(t.Now):
		return "  again at " + console.Stamp(*k.RetryAt)
	case k.StartedAt != nil && k.FinishedAt != nil:
		return fmt.Sprintf("  %.1f s", k.FinishedAt.Sub(*k.StartedAt).Seconds())
	}
	return ""
}

// phase is what a database tells of a statement that takes long.
func phase(p deploy.Progress) string {
	var b strings.Builder
	if p.Phase != "" {
		b.WriteString(", " + console.Plain(p.Phase))
	}
	if percent, known := p.Percent(); known {
		fmt.Fprintf(&b, " %d %%", percent)
	}
	if p.Waits != "" {
		b.WriteString("; " + console.Plain(p.Waits))
	}
	return b.String()
}

// reason prints what is in the way, who can change that, and how.
func reason(t console.Terminal, r deploy.Reason, release string) {
	text := console.Plain(r.Text)
	if r.Database != "" && !strings.Contains(r.Text, r.Database) {
		text = console.Plain(r.Database) + ": " + text
	}
	if r.Who != "" {
		text += " (" + console.Plain(r.Who) + ")"
	}
	t.Line("  %s", text)
	for _, n := range r.Next {
		t.Line("    %s", Command(n, release))
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
