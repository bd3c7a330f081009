package deploy

import "time"

// ActorKind says how a command came.
type ActorKind string

// The kinds of actors.
const (
	ForgeUser ActorKind = "forge"    // a person on a forge; Authority says what they may
	Operator  ActorKind = "operator" // whoever has the server's command line; may everything, audited
)

// Actor is who gives a command.
type Actor struct {
	Kind     ActorKind `json:"kind"`
	Provider string    `json:"provider"` // forge's configured name; "" for an operator
	Login    string    `json:"login"`
	ID       int64     `json:"id"` // the forge's user id, 0 unknown
	Bot      bool      `json:"bot"`
}

// Command is what a person asked for. Which fields matter depends on the
// method; all need Actor and one of Release, PullRequest or Project.
type Command struct {
	Actor       Actor
	Project     string // Project.ID; "" means every project of Repository
	Repository  string // provider/owner/name, with PullRequest
	PullRequest int
	Release     string // ULID; wins over PullRequest
	Environment string
	Reason      string // reject, skip, accept-edit, --despite-findings
	Source      string // where it was said (URL of the comment), for the audit

	WithEarlier     bool   // approve
	DespiteFindings bool   // approve; Reason is needed
	Database        string // retry, resolve; "" means all that apply
	Version         string // skip (a path is taken too), resolve
	File            string // accept-edit: path in the repository
	Checksum        string // accept-edit on an open pull request: executor.Checksum at its head, "" when deleted
	Step            int    // resolve: the n of VERSION#N
	Outcome         string // resolve: OutcomeApplied or OutcomeRetry
}

// The verbs and flags of the grammar (DESIGN §4) that this room speaks of.
const (
	VerbApprove    = "approve"
	VerbReject     = "reject"
	VerbRetry      = "retry"
	VerbSkip       = "skip"
	VerbAcceptEdit = "accept-edit"
	VerbResolve    = "resolve"
	VerbCancel     = "cancel"
	VerbReview     = "review"
	VerbMerge      = "merge" // no command: merge a pull request that fixes the file

	FlagWithEarlier = "--with-earlier"
	FlagDespite     = "--despite-findings"
)

// The outcomes a person can state for an ambiguous step.
const (
	OutcomeApplied = "applied"
	OutcomeRetry   = "retry"
)

// Answer restates what a command did.
type Answer struct {
	Verb        string
	Environment string
	Releases    []Restated // what it was done to, in merge order
	Databases   []string
	Reasons     []Reason // what still stands in the way, empty when it goes on
	Edit        *Edit    // accept-edit
	Skip        *Skip    // skip
}

// Restated names a release so that a person can check it is the one they meant.
type Restated struct {
	ID          string
	Seq         int64
	Hash        string
	PullRequest int
	Title       string
	Migrations  int
	Statements  int
	Counted     int // approvals that count now in the answer's environment
	Needed      int
}

// Approval is one person's yes to (release, content hash, environment).
type Approval struct {
	ID          string // ULID
	Release     string
	Environment string
	Hash        string
	Actor       Actor
	// Despite is the reason given with --despite-findings; "" without.
	Despite   string
	Source    string
	At        time.Time
	ExpiresAt time.Time
	// Standing says whether it counts now, and if not, why.
	Standing Standing
}

// Standing is the present worth of an approval.
type Standing struct {
	Counts bool `json:"counts"`
	// Why it doesn't: "expired", "content_changed", "rejected" (a later reject),
	// "not_eligible", "unknown" (the forge could not be asked), "unchecked".
	Why    string `json:"why"`
	Detail string `json:"detail"` // the Authority's reason
}

// Rejection is a person's no; approvals before it stop counting.
type Rejection struct {
	Release     string    `json:"release"`
	Environment string    `json:"environment"`
	Actor       Actor     `json:"actor"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
}

// Edit is an accepted change of a migration's text after its release, or before
// the merge of the pull request that brings it.
type Edit struct {
	Project     string    `json:"project"`
	Path        string    `json:"path"`
	Version     string    `json:"version"`
	Before      string    `json:"before"`       // checksum released before; "" when older than ShipSQL's first sight
	After       string    `json:"after"`        // checksum accepted; "" for a deleted file
	PullRequest int       `json:"pull_request"` // the open pull request it was accepted on, 0 otherwise
	Actor       string    `json:"actor"`
	Reason      string    `json:"reason"`
	At          time.Time `json:"at"`
}
