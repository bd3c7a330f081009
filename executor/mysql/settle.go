package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/internal/fault"
)

// resume compares what was done with the file, settles the step that was under
// way, and returns the index of the first statement to run.
func (f *file) resume(ctx, work context.Context) (int, error) {
	left := f.Left()
	if left == nil {
		return 0, nil
	}
	f.resumed = true
	next, err := f.next(ctx, work, left)
	if err != nil || next == 0 {
		return next, err
	}
	if err := f.lostWithSession(next); err != nil {
		return 0, err
	}
	return next, f.settingsBefore(work, next)
}

func (f *file) next(ctx, work context.Context, left map[int]ledger.Step) (int, error) {
	next := 0
	for i := range f.statements {
		s := &f.statements[i]
		step, known := left[s.n]
		if !known {
			continue
		}
		before, err := parseObservation(step.Pre)
		if err != nil {
			return 0, f.ambiguous(work, *s, "what was observed before can't be read")
		}
		s.before = before
		switch {
		case step.State == ledger.StepIntent && before.Rows:
			f.stale = true
			return i, nil // its transaction never began, or was rolled back
		case step.Hash != ledger.StepHash(s.Text):
			return 0, f.edited(*s, step)
		case step.State == ledger.StepDone:
			next = i + 1
			continue
		case step.State == ledger.StepRunning:
			return 0, f.ambiguous(work, *s, "its transaction was cut, and yet a part of it was committed: something in it committed implicitly")
		}
		err = runner.Retry(ctx, f.run, f, func() error { return f.settle(work, i) })
		switch {
		case errors.Is(err, errRunAgain):
			return i, nil
		case err != nil:
			return 0, err
		}
		next = i + 1
	}
	return next, f.noneBeyond(left)
}

// noneBeyond refuses a file that lost statements which were done.
func (f *file) noneBeyond(left map[int]ledger.Step) error {
	for n, step := range left {
		if n <= f.total {
			continue
		}
		before, err := parseObservation(step.Pre)
		if err != nil || step.State != ledger.StepIntent || !before.Rows {
			return f.edited(statement{n: n}, step)
		}
		f.stale = true
	}
	return nil
}

// edited stops at a statement that ran with another text, and shows both.
func (f *file) edited(s statement, step ledger.Step) error {
	did := map[bool]string{true: "ran", false: "was about to run"}[step.State != ledger.StepIntent]
	failed := &executor.Failure{
		Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line, Code: fault.ChangedAfterApply,
		Message: fmt.Sprintf("statement %d %s here with another text, so the file can't go on", s.n, did),
		Hint:    "put the old text of the statements that are done back; only what comes after them may change",
	}
	if before, err := parseObservation(step.Pre); err == nil && before.Text != "" {
		failed.Detail = diff(before.Text, cut(s.Text))
	}
	return failed
}

// diff shows the lines of two texts that differ, what was before first.
func diff(before, now string) string {
	var b strings.Builder
	old, young := strings.Split(before, "\n"), strings.Split(now, "\n")
	for len(old) > 0 && len(young) > 0 && old[0] == young[0] {
		old, young = old[1:], young[1:]
	}
	for len(old) > 0 && len(young) > 0 && old[len(old)-1] == young[len(young)-1] {
		old, young = old[:len(old)-1], young[:len(young)-1]
	}
	for _, line := range old {
		b.WriteString("-" + line + "\n")
	}
	for _, line := range young {
		b.WriteString("+" + line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var errRunAgain = errors.New("the step left no trace")

// settle ends a step that an earlier run left: it is done, or runs again
// (errRunAgain), or a person must say. Whoever ran it is gone: we have the lock.
func (f *file) settle(ctx context.Context, i int) error {
	s := f.statements[i]
	if s.parsed.Again || s.way == idle {
		return errRunAgain
	}
	now, err := f.see(ctx, s)
	if err != nil {
		return err
	}
	if len(now) != len(s.before.Objects) {
		return f.ambiguous(ctx, s, "what was observed before is about other objects")
	}
	foreseen, why, err := f.foresee(ctx, i)
	if err != nil {
		return err
	}
	switch outcome, evidence := judge(s.before.Objects, now, foreseen); outcome {
	case took:
		return f.done(ctx, s, now)
	case none:
		return errRunAgain
	default:
		if foreseen == nil {
			evidence = strings.TrimPrefix(evidence+"; "+why, "; ")
		}
		return f.ambiguous(ctx, s, evidence)
	}
}

type outcome int

const (
	unknown outcome = iota
	took            // it took effect
	none            // nothing is left of it: it may run again
)

// judge compares what is there with what was before and with what the statement
// makes of that (execution.md §6.4.6–7); nil: nobody knows. The evidence is for
// the person who resolves an unknown outcome.
func judge(pre, now, foreseen []object) (outcome, string) {
	same, after := samePrints(now, pre), foreseen != nil && samePrints(now, foreseen)
	switch {
	case len(now) == 0:
		return unknown, "the statement changes nothing that the catalog shows"
	case same && after:
		return unknown, "the definitions are the same before and after it"
	case after:
		return took, ""
	case same && foreseen != nil:
		return none, ""
	}
	var seen []string
	for i := range now {
		if now[i].Print == pre[i].Print {
			seen = append(seen, now[i].String()+", as before")
		} else {
			seen = append(seen, now[i].String()+", unlike before")
		}
	}
	return unknown, strings.Join(seen, "; ")
}

func samePrints(a, b []object) bool {
	return slices.EqualFunc(a, b, func(a, b object) bool { return a.Print == b.Print })
}

// settingsBefore runs the SET statements before the one at i again.
func (f *file) settingsBefore(ctx context.Context, i int) error {
	for _, s := range f.statements[:i] {
		if !s.setting {
			continue
		}
		if err := f.send(ctx, s); err != nil {
			return f.failure(ctx, s, err)
		}
	}
	return nil
}

var (
	assigns  = regexp.MustCompile("(?i)@`?([a-z0-9_.$]+)`?\\s*:=|\\binto\\s+@`?([a-z0-9_.$]+)")
	mentions = regexp.MustCompile("@`?([A-Za-z0-9_.$]+)")
	lastID   = regexp.MustCompile(`(?i)\b(last_insert_id|found_rows|row_count)\s*\(\s*\)`)
)

const writeValue = "write the value into the statements that are not done yet, and run it again"

// lostWithSession refuses to go on where the rest of the file needs what only the
// old session knew: the value of a variable that came from a query, the last
// generated key. To go on with another value would be worse.
func (f *file) lostWithSession(next int) error {
	lost := map[string]bool{}
	for _, s := range f.statements[:next] {
		for name := range assigned(s) {
			lost[name] = lost[name] || !constant(s)
		}
	}
	for i, s := range f.statements[next:] {
		if i == 0 && lastID.MatchString(s.Text) {
			return f.needs(s, lastID.FindString(s.Text), writeValue)
		}
		given := assigned(s)
		for _, m := range mentions.FindAllStringSubmatch(s.Text, -1) {
			if name := strings.ToLower(m[1]); lost[name] && !given[name] {
				return f.needs(s, "@"+m[1], writeValue)
			}
		}
		for name := range given {
			lost[name] = false
		}
	}
	return f.lostTables(next)
}

// lostTables refuses to go on without a temporary table that the rest of the file
// names: a table that stays may have that name.
func (f *file) lostTables(next int) error {
	lost := map[string]bool{}
	for i, s := range f.statements {
		for _, o := range s.parsed.Objects {
			switch {
			case s.parsed.Temporary && o.Use == syntax.Creates:
				lost[o.Name.Name] = i < next
			case s.parsed.Temporary && o.Use == syntax.Drops:
				delete(lost, o.Name.Name)
			case i >= next && lost[o.Name.Name]:
				return f.needs(s, "the temporary table "+o.Name.Name, "make it anew in the statements that are not done yet, and run it again")
			}
		}
	}
	return nil
}

// assigned are the user variables that a statement sets.
func assigned(s statement) map[string]bool {
	names := map[string]bool{}
	for _, v := range s.parsed.Variables {
		if v.Scope == syntax.User {
			names[v.Name] = true
		}
	}
	for _, m := range assigns.FindAllStringSubmatch(s.Text, -1) {
		names[strings.ToLower(m[1]+m[2])] = true
	}
	return names
}

// constant says that a statement sets the same values whenever it runs.
func constant(s statement) bool {
	reads := slices.ContainsFunc(s.parsed.Objects, func(o syntax.Object) bool { return o.Use == syntax.Reads })
	return s.setting && len(s.parsed.Functions) == 0 && !reads && !strings.Contains(strings.ToLower(s.Text), "select")
}

func (f *file) needs(s statement, what, next string) error {
	return &executor.Failure{
		Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line, Code: fault.Conflict,
		Message: fmt.Sprintf("the rest of the file needs %s, which was lost when the run was interrupted", what),
		Hint:    next,
	}
}
