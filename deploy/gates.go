package deploy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/plural"
)

// closes says whether a reason keeps all of a stage's tasks from starting; the
// others tell what needs a person, or which databases wait while the rest go on.
func (r Reason) closes() bool {
	return !slices.Contains([]Code{GateNoWorker, StageFailed, StageAmbiguous, StageRetrying, StageCancelled}, r.Code)
}

// closed lists every reason that keeps the gate closed, in the order in which
// people can do something about them.
func (g gate) closed(d StageDecision) []Reason {
	var reasons []Reason
	reasons = append(reasons, g.branch()...)
	reasons = append(reasons, g.databaseMissing()...)
	reasons = append(reasons, g.problems()...)
	reasons = append(reasons, g.review()...)
	reasons = append(reasons, g.cancelled()...)
	reasons = append(reasons, g.earlierStage()...)
	reasons = append(reasons, g.earlierRelease()...)
	return append(reasons, g.approvals(d)...)
}

func (g gate) branch() []Reason {
	if g.Refusal == nil {
		return nil
	}
	return []Reason{{Code: GateBranch, Text: g.Refusal.Text, Who: "the operator"}}
}

func (g gate) databaseMissing() []Reason {
	if g.databases() > 0 {
		return nil
	}
	return []Reason{{Code: GateNoDatabase, Who: "the operator",
		Text: "no database of this project is configured in " + g.env.Name}}
}

func (g gate) problems() []Reason {
	var reasons []Reason
	for _, p := range g.line.openProblems(g.env.Name) {
		reasons = append(reasons, Reason{
			Code: GateProblem, Text: p.Path + ": " + p.Text,
			Who: g.whoApproves(), Next: p.next(g.env.Name),
		})
	}
	return reasons
}

// next is how a problem can end: a fix by another merge, accept-edit for a
// changed text, skip in one environment.
func (p Problem) next(environment string) []Next {
	fix := Next{Verb: VerbMerge, Args: []string{p.Path}}
	skip := Next{Verb: VerbSkip, Args: []string{p.skipName(), environment, ReasonWord}}
	switch {
	case p.Code == ProblemNotMigration, p.Changed && p.Code == ProblemUnreadable:
		return []Next{fix}
	case p.Changed:
		return []Next{{Verb: VerbAcceptEdit, Args: []string{p.Path, ReasonWord}}, fix}
	}
	return []Next{fix, skip}
}

// skipName is the word by which skip finds the file: its version, unless that
// is missing or belongs to another file too.
func (p Problem) skipName() string {
	if p.Version == "" || p.Code == ProblemDuplicate {
		return p.Path
	}
	return p.Version
}

func (g gate) review() []Reason {
	rel := g.line.Release
	switch {
	case !rel.Reviewed():
		return []Reason{{Code: GateReviewPending, Text: "the review at the merge commit is not done yet",
			Next: []Next{{Verb: VerbReview}}}}
	case rel.Review.Clean || g.line.overruled(g.Facts):
		return nil
	}
	env := g.overruleIn()
	return []Reason{{
		Code: GateReviewBlocked,
		Text: "the review at the merge commit found " + plural.Count(rel.Review.Errors, "blocking finding"),
		Who:  "an approver who did not make the change",
		Next: []Next{{Verb: VerbApprove, Args: []string{env, FlagDespite, ReasonWord}}},
	}}
}

// overruleIn is the environment whose approvers can answer for findings: the
// first one that has approvers, else this one.
func (g gate) overruleIn() string {
	for _, env := range g.Road {
		if env.Gated() {
			return env.Name
		}
	}
	return g.env.Name
}

func (g gate) cancelled() []Reason {
	c := g.stage().Cancelled
	if c == nil {
		return nil
	}
	r := Reason{Code: GateCancelled, Text: "cancelled by " + c.Actor.Name() + because(c.Reason),
		Who: "anyone who may write to the repository", Next: []Next{{Verb: VerbRetry, Args: []string{g.env.Name}}}}
	switch running := g.stage().Tasks.In(Running); {
	case running > 0 && c.Running != nil:
		r.Text += fmt.Sprintf("; what runs on %s is being cancelled", plural.Count(running, "database"))
	case running > 0:
		r.Text += fmt.Sprintf("; what runs on %s is finished first, unless somebody says so once more", plural.Count(running, "database"))
		r.Next = append([]Next{{Verb: VerbCancel, Args: []string{g.env.Name}}}, r.Next...)
	}
	return []Reason{r}
}

func (g gate) earlierStage() []Reason {
	if g.before == nil {
		return nil
	}
	return []Reason{{Code: GateEarlierStage,
		Text: fmt.Sprintf("%s comes first and is %s", g.before.Environment, g.before.State)}}
}

func (g gate) earlierRelease() []Reason {
	if g.ahead == nil {
		return nil
	}
	reason := Reason{
		Code: GateEarlierRelease, Release: g.ahead.ID,
		Text: fmt.Sprintf("%s comes first and is %s in %s", g.ahead.Label(), g.ahead.state, g.env.Name),
	}
	if g.env.Gated() {
		reason.Who = g.whoApproves()
		reason.Next = []Next{{Verb: VerbApprove, Args: []string{g.env.Name, FlagWithEarlier}}}
	}
	return []Reason{reason}
}

func (g gate) approvals(d StageDecision) []Reason {
	if d.Counted >= d.Needed {
		return nil
	}
	var reasons []Reason
	for _, a := range undecided(d.Approvals) {
		reasons = append(reasons, Reason{Code: GateAuthority, Text: a.undecidedText()})
	}
	who := g.whoApproves()
	next := []Next{{Verb: VerbApprove, Args: []string{g.env.Name}}}
	if r := g.stage().Rejection; r != nil {
		reasons = append(reasons, Reason{Code: GateRejected, Who: who, Next: next,
			Text: "rejected by " + r.Actor.Name() + because(r.Reason)})
	}
	return append(reasons, Reason{Code: GateApprovals, Who: who, Next: next,
		Text: fmt.Sprintf("%d of %s", d.Counted, plural.Count(d.Needed, "approval"))})
}

func (a Approval) undecidedText() string {
	text := "the approval by " + a.Actor.Name() + " could not be checked"
	if a.Standing.Detail != "" {
		text += ": " + a.Standing.Detail
	}
	return text
}

// noWorkers tells, for an open gate, whose databases wait for a worker, or had
// one that was lost.
func (g gate) noWorkers() []Reason {
	var reasons []Reason
	for _, pool := range g.pools() {
		tasks := g.stage().Tasks[pool]
		waiting, lost := g.waiting(pool)+tasks[Queued], tasks[Running]
		if g.Online[pool] || waiting+lost == 0 {
			continue
		}
		reasons = append(reasons, Reason{Code: GateNoWorker, Who: "the operator",
			Text: fmt.Sprintf("no worker is online%s: %s; start one with: %s", ofPool(pool), g.stranded(pool, waiting, lost), workerCommand(pool))})
	}
	return reasons
}

func ofPool(pool string) string {
	if pool == "" {
		return ""
	}
	return fmt.Sprintf(" for the pool %q", pool)
}

func workerCommand(pool string) string {
	if pool == "" {
		return "shipsql serve --role worker"
	}
	return "shipsql serve --role worker --pool " + pool
}

// stranded says what a pool without a worker leaves undone, and where.
func (g gate) stranded(pool string, waiting, lost int) string {
	var parts []string
	if waiting > 0 {
		parts = append(parts, plural.Count(waiting, "database")+" waiting")
	}
	if lost > 0 {
		parts = append(parts, plural.Count(lost, "task")+" left by a worker that was lost")
	}
	text := strings.Join(parts, ", ")
	if names := g.Targets[g.env.Name][pool]; len(names) > 0 {
		text += " (of " + someOf(names) + ")"
	}
	return text
}

// someOf names the first of many.
func someOf(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// maxTrouble is how many tasks in trouble a stage's reasons speak of one by one.
const maxTrouble = 20

// troubled are the states that need a person, most urgent first, with the word
// for those that are too many to be named.
var troubled = []struct {
	state State
	code  Code
	word  string
}{
	{Ambiguous, StageAmbiguous, "unproven"}, {Failed, StageFailed, "failed"}, {Cancelled, StageCancelled, "cancelled"},
}

// trouble is what needs a person although the gate is open: the first tasks one
// by one, the others as a number.
func (g gate) trouble() []Reason {
	var reasons []Reason
	told := map[State]int{}
	for _, t := range g.stage().Trouble {
		if r, ok := t.trouble(g.env.Name); ok {
			reasons = append(reasons, r)
			told[t.State]++
		}
	}
	more := func(n int, code Code, word string) Reason {
		return Reason{Code: code, Text: fmt.Sprintf("also %s: %s", word, plural.Count(n, "more database"))}
	}
	for _, kind := range troubled {
		n := g.stage().Tasks.In(kind.state) - told[kind.state]
		if n <= 0 {
			continue
		}
		r := more(n, kind.code, kind.word)
		if retriable(kind.state) {
			r.Next = []Next{{Verb: VerbRetry, Args: []string{g.env.Name, RetryFailed}}}
		}
		reasons = append(reasons, r)
	}
	if n := g.stage().Retrying - told[Queued]; n > 0 {
		reasons = append(reasons, more(n, StageRetrying, "tried again"))
	}
	return reasons
}

func (t Task) trouble(environment string) (Reason, bool) {
	f := Failure{}
	if t.Failure != nil {
		f = *t.Failure
	}
	retry := Next{Verb: VerbRetry, Args: []string{environment, t.Database}}
	r := Reason{Database: t.Database, Text: t.Database + ": " + f.Message}
	switch {
	case t.State == Failed && f.Version != "":
		r.Code = StageFailed
		r.Next = []Next{retry, {Verb: VerbSkip, Args: []string{f.Version, environment, ReasonWord}}}
	case t.State == Failed:
		r.Code, r.Next = StageFailed, []Next{retry}
	case t.State == Ambiguous:
		step := fmt.Sprintf("%s#%d", f.Version, f.Statement)
		r.Code, r.Next = StageAmbiguous, []Next{
			{Verb: VerbResolve, Args: []string{step, OutcomeApplied}},
			{Verb: VerbResolve, Args: []string{step, OutcomeRetry}},
		}
	case t.State == Cancelled:
		r.Code, r.Next = StageCancelled, []Next{retry}
		r.Text = t.Database + " was cancelled"
	case t.State == Queued && t.Failure != nil:
		r.Code = StageRetrying
	default:
		return Reason{}, false
	}
	return r, true
}

// whoApproves names those who open this environment's gate.
func (g gate) whoApproves() string { return g.env.Approvers() }

// Approvers names, for people, who may approve in the environment.
func (e Environment) Approvers() string {
	if !e.Gated() {
		return "anyone who may write to the repository"
	}
	return strings.Join(append(append([]string{}, e.Approvals.Users...), e.Approvals.Teams...), ", ")
}

// Label is how people call a release: by its pull request, or by its commit.
func (r Release) Label() string {
	if r.PullRequest != 0 {
		return fmt.Sprintf("#%d", r.PullRequest)
	}
	return "commit " + r.MergeCommit[:min(len(r.MergeCommit), 8)]
}

// Name is how people call the actor.
func (a Actor) Name() string {
	if a.Kind == Operator {
		return "the operator"
	}
	return a.Login
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}
