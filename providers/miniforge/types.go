package miniforge

import (
	"slices"
	"time"
)

// User is an account: a person, a bot or an organisation.
type User struct {
	Login string
	Name  string // default: the login with a capital
	Email string // default: login@example.com; commits with this address are the user's
	Kind  string // "User" (default), "Bot" or "Organization"
	ID    int64  // given by the forge
}

// NewRepo describes a repository to be made.
type NewRepo struct {
	Name    string            // "owner/name"; an unknown owner becomes an organisation
	Private bool              // unreadable without the App's installation
	Branch  string            // default branch; default "main"
	Files   map[string]string // the first commit's files; default: a README.md
	Author  string            // login of the first commit's author; default: the owner
	// Uninstalled leaves the App out of this repository.
	Uninstalled bool
}

// Commit describes a commit to be made on top of a branch.
type Commit struct {
	Author    string            // login, or "Name <email>" for somebody the forge does not know
	Committer string            // the same; default: Author
	Pusher    string            // login of who pushes it; default: the Committer
	Message   string            // with its trailers
	Files     map[string]string // path → new content
	Symlinks  map[string]string // path → where it points
	Delete    []string          // paths; a rename is Delete and Files
	When      time.Time         // default: the forge's clock
}

// NewPR describes a pull request to be opened.
type NewPR struct {
	Repo   string // the repository it is for
	Head   string // branch, or "owner:branch" for one of a fork
	Base   string // default: the default branch
	Title  string
	Body   string
	Author string // login
	Draft  bool
	Labels []string
}

// Edit changes a pull request's own fields; nil leaves one alone.
type Edit struct {
	By                string
	Title, Body, Base *string
	Draft             *bool
}

// MergeMethod is how a pull request's commits reach its base branch.
type MergeMethod string

// The methods GitHub knows.
const (
	MergeCommit MergeMethod = "merge"
	Squash      MergeMethod = "squash"
	Rebase      MergeMethod = "rebase"
)

// MergeOptions say who merges and how.
type MergeOptions struct {
	By     string
	Method MergeMethod // default MergeCommit
	// Bypass merges although branch protection forbids it, as an admin may.
	Bypass bool
}

// PullRequest is a copy of a pull request and everything a page shows of it.
type PullRequest struct {
	Repo      string
	Number    int
	ID        int64
	Title     string
	Body      string
	Author    string
	State     string // open or closed
	Draft     bool
	Labels    []string
	Base      Branch
	Head      Branch
	CreatedAt time.Time
	UpdatedAt time.Time
	ClosedAt  time.Time // zero while open

	Merged   bool
	MergedBy string
	MergeSHA string // on the base branch, once merged
	Queued   string // head of its merge group while it is in the merge queue

	Mergeable bool   // the commits merge without conflict
	Blocked   string // why the merge button is disabled; "" when it is not

	Commits        []string // the head's commits that the base lacks, oldest first
	Comments       []Comment
	Reviews        []Review
	ReviewComments []ReviewComment
	Checks         []CheckRun   // of the head commit, oldest first
	Deployments    []Deployment // of the head and the merge commit
}

// Check returns the newest check run of that name on the head commit.
func (p PullRequest) Check(name string) (CheckRun, bool) {
	for _, run := range slices.Backward(p.Checks) {
		if run.Name == name {
			return run, true
		}
	}
	return CheckRun{}, false
}

// Branch is one end of a pull request.
type Branch struct {
	Repo string // "owner/name"; empty when the fork is gone
	Ref  string
	SHA  string
}

// Comment is a comment of a pull request's conversation.
type Comment struct {
	ID        int64
	Author    string
	ByApp     bool
	Body      string
	Reactions []Reaction
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Reaction is one user's reaction, by GitHub's name: +1, eyes or rocket.
type Reaction struct {
	ID      int64
	User    string
	Content string
}

// Review is a submitted review; its inline comments are ReviewComments.
type Review struct {
	ID        int64
	Author    string
	Body      string
	State     string // COMMENTED, APPROVED or CHANGES_REQUESTED
	Commit    string
	CreatedAt time.Time
}

// ReviewComment is a comment on lines of the diff.
type ReviewComment struct {
	ID        int64
	Review    int64
	Author    string
	Body      string
	Path      string
	Commit    string
	Side      string // LEFT or RIGHT
	StartLine int    // 0 for a single line
	Line      int
	InReplyTo int64
	CreatedAt time.Time
}

// CheckRun is a check run of a commit.
type CheckRun struct {
	ID          int64
	Repo        string
	Suite       int64
	Name        string
	SHA         string
	Status      string // queued, in_progress or completed
	Conclusion  string // once completed
	ExternalID  string
	DetailsURL  string
	Title       string
	Summary     string
	Text        string
	Annotations []Annotation // in the order they were added; GitHub never removes one
	Actions     []CheckAction
	StartedAt   time.Time
	CompletedAt time.Time
}

// Annotation is a check run's remark on lines of a file.
type Annotation struct {
	Path, Level, Title, Message, RawDetails    string
	StartLine, EndLine, StartColumn, EndColumn int
}

// CheckAction is a button of a completed check run.
type CheckAction struct{ Label, Description, Identifier string }

// Deployment is one entry of a repository's Environments page.
type Deployment struct {
	ID          int64
	Repo        string
	Ref, SHA    string
	Task        string
	Environment string
	Description string
	Production  bool
	Transient   bool
	Payload     string // JSON text
	Statuses    []DeploymentStatus
	CreatedAt   time.Time
}

// State is the newest status's state, "" before the first.
func (d Deployment) State() string {
	if len(d.Statuses) == 0 {
		return ""
	}
	return d.Statuses[len(d.Statuses)-1].State
}

// DeploymentStatus is one step of a deployment.
type DeploymentStatus struct {
	ID                     int64
	State                  string // queued, in_progress, success, failure, error, inactive, pending
	Description            string
	Environment            string
	EnvironmentURL, LogURL string
	CreatedAt              time.Time
}
