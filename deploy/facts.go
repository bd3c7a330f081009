package deploy

import (
	"slices"
	"strings"
	"time"
)

// Facts is everything Decide looks at: one project's unfinished releases, what
// people said about them, and what the forge says about those people.
type Facts struct {
	Now     time.Time
	Project Project
	Road    []Environment // in rollout order
	// Targets are the databases that are configured: environment → pool → names, sorted.
	Targets map[string]map[string][]string
	Online  map[string]bool // pools with a live worker
	Refusal *Refusal
	Line    []LineFacts // unfinished releases in merge order
	// Eligible holds the Authority's answers; an approval without an answer
	// does not count.
	Eligible map[Ask]Say
}

// LineFacts is one release of the line.
type LineFacts struct {
	Release Release
	Stages  map[string]StageFacts // environment → what is known, for the whole road
}

// StageFacts is what happened to one release in one environment. Its tasks are
// only counted: there may be ten thousand.
type StageFacts struct {
	State     State          // as recorded; Done and Skipped are final, and their tasks are of no interest
	Tasks     Tally          // tasks by the pool of their database and by state
	Missing   map[string]int // configured databases that have no task yet, by pool
	Retrying  int            // of the queued tasks, those that are tried again later
	Trouble   []Task         // the first tasks that need a person or are tried again
	Approvals []Approval
	Rejection *Rejection // the latest
	Cancelled *Cancellation
	Skips     []Skip
}

// Cancellation says who stopped a stage.
type Cancellation struct {
	Actor  Actor     `json:"actor"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Source string    `json:"source,omitempty"` // Command.Source
	// Running is the second word: that what still ran be cancelled too. nil: it
	// finishes.
	Running *Confirmation `json:"running,omitempty"`
}

// Confirmation says who wanted running statements cancelled.
type Confirmation struct {
	Actor Actor     `json:"actor"`
	At    time.Time `json:"at"`
}

// Ask is a question to the Authority: may this person approve that?
type Ask struct {
	Release     string
	Environment string
	Person      string // Actor.Person
}

// Say is the Authority's answer as a fact.
type Say struct {
	OK      bool
	Reason  string
	Unknown bool // it could not answer
}

// Person tells people apart when approvals are counted: forges do not
// distinguish the case of a login.
func (a Actor) Person() string {
	if a.Kind == Operator {
		return "operator"
	}
	return strings.ToLower(a.Provider + "/" + a.Login)
}

// pending are the migrations of the release that still have to run in a stage:
// neither withdrawn nor skipped there.
func (l LineFacts) pending(environment string) []Migration {
	skips := l.Stages[environment].Skips
	return slices.DeleteFunc(slices.Clone(l.Release.Migrations), func(m Migration) bool {
		to := targetOf(m.Version).Environment
		return m.Withdrawn || skipped(skips, m.Version, m.Path) || to != "" && to != environment
	})
}

// openProblems are the release's problems that nobody has answered for this
// environment.
func (l LineFacts) openProblems(environment string) []Problem {
	skips := l.Stages[environment].Skips
	return slices.DeleteFunc(slices.Clone(l.Release.Problems), func(p Problem) bool {
		return p.Answer != nil || skipped(skips, p.Version, p.Path)
	})
}

// skipped says whether a skip names the file. A path tells two files of the
// same version apart, so both must match.
func skipped(skips []Skip, version, path string) bool {
	return slices.ContainsFunc(skips, func(s Skip) bool {
		return s.Version == version && s.Path == path
	})
}

// state is the stage's recorded state, Waiting before anything happened.
func (l LineFacts) state(environment string) State {
	if state := l.Stages[environment].State; state != "" {
		return state
	}
	return Waiting
}
