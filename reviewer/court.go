package reviewer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres"
)

// draft is a file's report before the policy is applied.
type draft struct {
	source

	statements []StatementReport
	hits       []placed
}

// placed is a hit with the statement that it is about.
type placed struct {
	postgres.Hit

	index int
}

func (d *draft) add(p piece, v postgres.Verdict) {
	d.statements = append(d.statements, StatementReport{
		Line: p.statement.Line, EndLine: p.statement.EndLine, Kind: v.Kind, Analysed: v.Analysed, Effects: v.Effects,
	})
	for _, h := range v.Hits {
		d.hits = append(d.hits, placed{h, p.index})
	}
}

// court applies policy, server's floor, waivers and directives to what the
// rules said.
type court struct {
	in    Input
	rules map[string]finding.Rule
}

func newCourt(in Input) *court {
	c := &court{in: in, rules: map[string]finding.Rule{}}
	for _, r := range Rules() {
		c.rules[r.ID] = r
	}
	return c
}

// file makes the report of a file and counts it.
func (c *court) file(d *draft, sum *Summary) FileReport {
	report := FileReport{Path: d.path, Statements: d.statements, Findings: []Finding{}}
	trial := trial{court: c, draft: d, report: &report, sum: sum, seen: map[string]int{}, ignored: ignoredRules(d.directives)}
	trial.wholeFile()
	for _, h := range d.hits {
		if h.Confirm == nil || h.Confirm() {
			trial.hit(h)
		}
	}
	slices.SortStableFunc(report.Findings, func(a, b Finding) int { return a.Line - b.Line })
	sum.Files++
	sum.Statements += len(d.statements)
	for _, s := range d.statements {
		if !s.Analysed {
			sum.NotAnalysed++
		}
	}
	return report
}

// trial judges one file's hits.
type trial struct {
	*court

	draft  *draft
	report *FileReport
	sum    *Summary
	seen   map[string]int // fingerprint without ordinal → how many so far
	// ignored are the rules that the file asks to silence, by statement.
	ignored map[ignoring]bool
}

type ignoring struct {
	statement int
	rule      string
}

func ignoredRules(directives []script.Directive) map[ignoring]bool {
	ignored := map[ignoring]bool{}
	for _, d := range directives {
		if d.Key == "ignore" {
			for _, rule := range splitList(d.Value) {
				ignored[ignoring{d.Statement, rule}] = true
			}
		}
	}
	return ignored
}

// wholeFile judges what concerns no single statement.
func (t *trial) wholeFile() {
	d := t.draft
	switch {
	case d.unreadable != nil:
		t.judge(Finding{Rule: unreadableFile.ID, Severity: Error, Line: 1, Column: 1, EndLine: 1, Message: d.unreadable.Message, Fix: d.unreadable.Next}, "", script.WholeFile)
	case d.tooMany:
		t.sum.NotAnalysed++
		t.judge(Finding{Rule: "not-analysed", Severity: Error, Line: 1, Column: 1, EndLine: 1,
			Message: fmt.Sprintf("Not analysed: the file holds more than %d statements", maxStatements), Fix: "Split the file, or load the data another way."}, "", script.WholeFile)
	}
	for _, f := range d.faults {
		line, column := place(f.Where)
		t.directive(line, column, f.Message, f.Next)
	}
	for _, i := range d.directives {
		if problem, next := t.directiveProblem(i); problem != "" {
			t.directive(i.Line, i.Column, problem, next)
		}
	}
}

func place(where string) (line, column int) {
	if _, err := fmt.Sscanf(where, "%d:%d", &line, &column); err != nil {
		return 1, 1
	}
	return line, column
}

func (t *trial) directive(line, column int, message, fix string) {
	t.judge(Finding{Rule: badDirective.ID, Severity: Error, Line: line, Column: column, EndLine: line, Message: message, Fix: fix}, message, script.WholeFile)
}

// hit places what a rule said about a statement.
func (t *trial) hit(h placed) {
	st := t.draft.source.statements[h.index]
	f := Finding{
		Rule: h.Rule.ID, Severity: h.Severity, Message: h.Message, Fix: h.Fix,
		Line: st.Line, Column: st.Column, EndLine: st.EndLine,
	}
	if h.Offset > 0 {
		line, column := script.Position(st.Text, min(h.Offset, len(st.Text)))
		if line == 1 {
			column += st.Column - 1
		}
		f.Line, f.Column, f.EndLine = st.Line+line-1, column, st.Line+line-1
	}
	if indent, ok := ownLines(t.draft.sql, st); ok && h.Suggestion != "" {
		f.Suggestion = indent + h.Suggestion
	}
	t.judge(f, st.Text, h.index)
}

// ownLines says whether a statement has its lines to itself, so that replacing
// them replaces nothing else, and what it is indented by.
func ownLines(sql string, st script.Statement) (indent string, ok bool) {
	before := strings.TrimRight(sql[:st.Start], " \t")
	after := strings.TrimLeft(sql[st.End:], "; \t\r")
	indent = sql[len(before):st.Start]
	return indent, (before == "" || strings.HasSuffix(before, "\n")) && (after == "" || strings.HasPrefix(after, "\n"))
}

// judge applies policy and waivers to a finding, and files it unless it is
// silenced. statement is the text that its fingerprint follows.
func (t *trial) judge(f Finding, statement string, index int) {
	rule := t.rules[f.Rule]
	f.Severity = t.severity(rule, f.Severity)
	if f.Severity == Off {
		return
	}
	if t.suppressed(rule) || t.silenced(rule, &f, index) {
		t.sum.Suppressed++
		return
	}
	if reason, ok := t.in.Waived[rule.ID]; ok && f.Severity == Error && !rule.Final {
		f.Waived = reason
		t.sum.Waived++
	}
	f.Why = rule.Why
	f.Fingerprint = t.fingerprint(rule.ID, statement)
	t.count(f.Severity)
	t.report.Findings = append(t.report.Findings, f)
}

// severity is what the rule found, unless the policy says otherwise, and never
// below the server's floor.
func (c *court) severity(rule finding.Rule, found Severity) Severity {
	if rule.Final {
		return Error
	}
	if set, ok := c.in.Policy.Rules[rule.ID]; ok {
		found = set
	}
	return finding.Max(found, c.in.Floor[rule.ID])
}

// suppressed says whether the policy silences the rule in this file.
func (t *trial) suppressed(rule finding.Rule) bool {
	if t.in.Floor[rule.ID] != "" || rule.Final {
		return false
	}
	return slices.ContainsFunc(t.in.Policy.Suppress, func(s Suppression) bool {
		return (len(s.Rules) == 0 || slices.Contains(s.Rules, rule.ID)) && slices.ContainsFunc(s.Files, func(glob string) bool {
			ok, err := doublestar.Match(glob, t.draft.path)
			return ok && err == nil
		})
	})
}

// silenced says whether the file itself silences the finding, and may. One that
// it may not silence says so.
func (t *trial) silenced(rule finding.Rule, f *Finding, index int) bool {
	if !t.ignored[ignoring{script.WholeFile, rule.ID}] && !t.ignored[ignoring{index, rule.ID}] {
		return false
	}
	may := f.Severity != Error || slices.Contains(t.in.Policy.SelfSuppressible, rule.ID)
	if may && !rule.Firm && t.in.Floor[rule.ID] == "" {
		return true
	}
	f.Message += " (ignore= in the file does not silence this: someone who may has to waive it)"
	return false
}

// fingerprint identifies a finding over pushes: the rule, the path, the
// statement's text, and which of several equal ones it is.
func (t *trial) fingerprint(rule, statement string) string {
	key := strings.Join([]string{rule, t.draft.path, strings.Join(strings.Fields(statement), " ")}, "\x00")
	t.seen[key]++
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, t.seen[key]))
	return hex.EncodeToString(sum[:16])
}

func (t *trial) count(s Severity) {
	switch s {
	case Error:
		t.sum.Errors++
	case Warning:
		t.sum.Warnings++
	case Notice:
		t.sum.Notices++
	case Off: // never filed
	}
}
