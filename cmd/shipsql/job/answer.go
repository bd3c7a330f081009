package job

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/cmd/shipsql/console"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/queue"
)

// Outcome is what became of a job.
type Outcome string

// The outcomes.
const (
	Ready        Outcome = "ready"     // it runs again
	Discarded    Outcome = "discarded" // it is gone
	WouldDiscard Outcome = "would_discard"
	Refused      Outcome = "refused" // nothing was changed
)

// Answer is the report of retry and discard; its JSON is a contract.
type Answer struct {
	Version int      `json:"version"`
	Verb    string   `json:"verb"`
	Jobs    []Result `json:"jobs"`
	Error   *Problem `json:"error"` // of the command; null when it went through all the jobs
}

// Result is what became of one job.
type Result struct {
	Named

	Outcome Outcome  `json:"outcome"`
	Error   *Problem `json:"error"` // why it was refused, else null
}

// Problem says why not, and what helps.
type Problem struct {
	Code    fault.Code `json:"code"`
	Message string     `json:"message"`
	Next    []string   `json:"next"` // commands to run, best first
}

// NewAnswer makes a report without jobs.
func NewAnswer(verb string) *Answer { return &Answer{Version: 1, Verb: verb, Jobs: []Result{}} }

// Did notes a job's outcome.
func (a *Answer) Did(d queue.DeadJob, o Outcome) {
	a.Jobs = append(a.Jobs, Result{Named: named(d), Outcome: o})
}

// Refuse notes why a job was left as it is; d may be no more than an id.
func (a *Answer) Refuse(d queue.DeadJob, err error) {
	p := problem(err)
	switch p.Code {
	case fault.NotFound:
		p.Next = append(p.Next, "shipsql job list")
	case fault.Conflict:
		p.Message += "; it does the work, and this one can be discarded"
		p.Next = append(p.Next, discard(d.ID))
	}
	a.Jobs = append(a.Jobs, Result{Named: named(d), Outcome: Refused, Error: p})
}

// Stop notes why the command as a whole was refused.
func (a *Answer) Stop(err error) { a.Error = problem(err) }

// Carried says that nothing was refused.
func (a *Answer) Carried() bool {
	return a.Error == nil && !slices.ContainsFunc(a.Jobs, func(r Result) bool { return r.Error != nil })
}

func problem(err error) *Problem {
	return &Problem{Code: fault.CodeOf(err), Message: err.Error(), Next: []string{}}
}

var outcomes = map[Outcome]string{Ready: "runs again", Discarded: "discarded", WouldDiscard: "would be discarded"}

// Text says what became of each job, one a line, and what was refused and why.
func (a *Answer) Text(t console.Terminal) {
	if len(a.Jobs) == 0 {
		t.Line(none)
	}
	for _, r := range a.Jobs {
		if r.Error != nil {
			r.Error.text(t)
			continue
		}
		t.Line("%s: %s", outcomes[r.Outcome], console.Plain(strings.Join([]string{r.ID, r.Kind, r.Key}, " ")))
	}
	if a.Error != nil {
		a.Error.text(t)
	}
}

func (p Problem) text(t console.Terminal) {
	t.Line("refused: %s", console.Plain(p.Message))
	for _, next := range p.Next {
		t.Line("  %s", next)
	}
}
