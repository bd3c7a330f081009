package deploy

import (
	"errors"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
)

// Code names why a gate is closed, what a stage needs, or why a command was
// refused. It is part of the contract with the bot's templates.
type Code string

// Why a gate is closed.
const (
	GateBranch         Code = "branch_refused"    // the branch was rewritten
	GateProblem        Code = "problem"           // a merged file can't be applied as it is
	GateReviewPending  Code = "review_pending"    // not reviewed at the merge commit yet
	GateReviewBlocked  Code = "review_blocked"    // blocking findings at the merge commit
	GateEarlierStage   Code = "earlier_stage"     // an environment before this one isn't done
	GateEarlierRelease Code = "earlier_release"   // a release before this one isn't done here
	GateApprovals      Code = "approvals"         // not enough approvals
	GateRejected       Code = "rejected"          // a person said no
	GateCancelled      Code = "cancelled"         // a person stopped it
	GateAuthority      Code = "authority_unknown" // the forge could not say who may: closed until it can
	GateNoDatabase     Code = "no_database"       // no database of the project is configured
	GateNoWorker       Code = "no_worker"         // no worker is online for the pool of some databases: those wait, the others go on
	StageFailed        Code = "failed"            // a task failed
	StageAmbiguous     Code = "ambiguous"         // a task's outcome can't be proven
	StageCancelled     Code = "task_cancelled"    // a task was cancelled
	StageRetrying      Code = "retrying"          // a lock was not had yet; it is tried again
	CommandInvalid     Code = "invalid_command"   // an argument is missing or wrong
	CommandNoRelease   Code = "no_release"        // nothing was merged yet
	CommandChoose      Code = "choose"            // several objects match: Next lists one command each
	CommandDenied      Code = "denied"            // the actor may not
	CommandNotPossible Code = "not_possible"      // the state does not allow it
	CommandUnknown     Code = "unknown"           // no such environment, version, file or database
	CommandAlready     Code = "already"           // done before; nothing was changed
)

// Next is a command that helps, in neutral form: the bot prints it as the forge
// needs it and quotes arguments that hold spaces.
type Next struct {
	Verb string   `json:"verb"` // approve, retry, skip, …; "merge" means: merge a pull request with the fix
	Args []string `json:"args"` // what follows the verb, in order; REASON stands for a person's own words
	// Release is set when the same words would match several releases.
	Release string `json:"release"`
}

// ReasonWord is the argument of a Next that a person replaces by their reason.
const ReasonWord = "REASON"

// String is the command in plain words, for logs and the terminal.
func (n Next) String() string {
	return strings.Join(append([]string{n.Verb}, n.Args...), " ")
}

// Reason is one thing that stands in the way: what it is, who can change that,
// and the exact next command.
type Reason struct {
	Code     Code   `json:"code"`
	Text     string `json:"text"`     // one sentence without a full stop; holds no Markdown; names are untrusted
	Who      string `json:"who"`      // who can open it, "" for nobody in particular
	Next     []Next `json:"next"`     // commands that help, best first
	Release  string `json:"release"`  // the release it is about, when another than the stage's own
	Database string `json:"database"` // the database it is about, if one
}

// Refused is the error of every command that was not carried out. Reason says
// why, who can, and the next command.
type Refused struct {
	Reason Reason
	fault  fault.Code
	cause  error
}

func refuse(code fault.Code, reason Reason) *Refused { return &Refused{Reason: reason, fault: code} }

// Error is the reason in plain words.
func (r *Refused) Error() string { return r.asFault().Error() }

// FaultCode returns the kind of the refusal for callers that only need that.
func (r *Refused) FaultCode() fault.Code { return r.fault }

// Unwrap gives the fault.Error with the same content.
func (r *Refused) Unwrap() error { return r.asFault() }

func (r *Refused) asFault() *fault.Error {
	f := fault.New(r.fault, "%s", r.Reason.Text)
	if len(r.Reason.Next) > 0 {
		f = f.Then("%s", r.Reason.Next[0].String())
	}
	if r.cause != nil {
		f = f.Because(r.cause)
	}
	return f
}

// AsRefused finds the refusal in an error's chain.
func AsRefused(err error) (*Refused, bool) {
	var r *Refused
	ok := errors.As(err, &r)
	return r, ok
}
