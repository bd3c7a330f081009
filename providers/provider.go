package providers

import (
	"context"
	"net/http"
	"time"
)

// Kind names a forge's product; several providers may be of one kind.
type Kind string

// GitHub is GitHub.com and GitHub Enterprise Server.
const GitHub Kind = "github"

// Capabilities says what a forge offers; the view uses the best of it.
type Capabilities struct {
	Checks           bool // checks with annotations; false: plain commit statuses
	CheckActions     bool // buttons on a completed check
	Reviews          bool // batched inline comments with suggestions
	Reactions        bool
	Deployments      bool
	MergeQueue       bool // checks are asked for on MergeGroup events
	BareCommands     bool // "/approve prod" reaches us; false: only "/shipsql approve prod"
	MissedDeliveries bool // the forge tells which webhooks it could not hand over
	CommentLimit     int  // bytes a comment's body may have
	CheckLimit       int  // bytes each of a check's summary and text may have
}

// Provider is one forge as one app of ours sees it. It is safe for concurrent
// use. Reads are fresh: they may be answered from a cache only after the forge
// said in this call that the copy still holds. Costs are in API calls; on top
// come a repository's installation (once, and again after a 401 or 404) and its
// token (once an hour).
//
// Every method may also fail with ErrRateLimited, ErrGone, ErrUnauthorized or
// an error with the code unreachable. A Repo's ID and Installation may be zero.
type Provider interface {
	// Name is the configured name: the first part of a project's repository.
	Name() string
	// Kind says which product this is.
	Kind() Kind
	// Capabilities says what the forge can do.
	Capabilities() Capabilities

	// ParseWebhook proves that the delivery comes from the forge, then reduces
	// it to an Event. A wrong or missing signature is ErrSignature. What we
	// don't act on, or can't parse, is no error: its Kind is Ignored and its Note
	// says why. No I/O but reading the secret; never panics.
	ParseWebhook(h http.Header, body []byte) (Event, error)

	// Missed lists the webhooks of the app, sent since a time, that no attempt
	// could hand over (no 2xx answer), oldest first. What was last sent within
	// UnderWay is left for the next time. The forge forgets: GitHub keeps three
	// days. ErrTooMany over 100,000 attempts since then. 1 call per 100 attempts.
	Missed(ctx context.Context, since time.Time) ([]MissedDelivery, error)
	// MissedEvent reads a missed webhook's payload and reduces it as ParseWebhook
	// does. It needs no signature: it comes through our own authenticated call.
	// ErrNotFound once the forge has forgotten it. 1 call.
	MissedEvent(ctx context.Context, m MissedDelivery) (Event, error)
	// Redeliver asks the forge to send a webhook again, under the same GUID, soon.
	// ErrNotFound once the forge has forgotten it. 1 call.
	Redeliver(ctx context.Context, m MissedDelivery) error
	// Access reads what the forge lets the app do, against what ShipSQL needs, for
	// people to repair it. 3 calls and 1 per further 100 installations.
	Access(ctx context.Context) (Access, error)

	// Repository finds a repository by "owner/name", with its numeric id, its
	// name now and in the forge's own spelling, and the installation that holds
	// it. A renamed or transferred repository is found by its old name too, until
	// another takes that name. ErrGone when the app can't see it. 2 calls.
	Repository(ctx context.Context, fullName string) (Repo, error)
	// RepositoryByID is Repository by the number that survives every rename and
	// transfer. 2 calls.
	RepositoryByID(ctx context.Context, id int64) (Repo, error)
	// PullRequest reads one pull request. ErrNotFound. 1 call.
	PullRequest(ctx context.Context, repo Repo, number int) (PullRequest, error)
	// OpenPullRequests lists the open pull requests into a branch, newest first.
	// 1 call per 100.
	OpenPullRequests(ctx context.Context, repo Repo, base string) ([]PullRequest, error)
	// PullRequestPeople lists once each everyone who wrote, committed or
	// co-wrote (Co-authored-by) a commit of the pull request; who can't be mapped
	// to a user of the forge has Login "". The forge's own committer (web-flow)
	// is left out. ErrTooMany when the forge may hide commits (250 on GitHub).
	// 1 call per 100 commits.
	PullRequestPeople(ctx context.Context, repo Repo, number int) ([]Person, error)
	// ChangedFiles lists all files a pull request changes against its merge base.
	// ErrTooMany at the forge's cap (3000 on GitHub). 1 call per 100 files.
	ChangedFiles(ctx context.Context, repo Repo, number int) ([]ChangedFile, error)

	// Head reads the commit a branch points to. ErrNotFound. 1 call.
	Head(ctx context.Context, repo Repo, branch string) (Commit, error)
	// FirstParents lists the first-parent history of to that from does not hold,
	// oldest first: `git log --first-parent --reverse from..to`. Empty when both
	// are the same. ErrNotAncestor when from is no ancestor of to, or is not
	// there any more; ErrTooMany over 5,000 commits. 1 call per 100 commits.
	FirstParents(ctx context.Context, repo Repo, from, to string) ([]Commit, error)
	// Commit reads one commit. ErrNotFound. 1 call.
	Commit(ctx context.Context, repo Repo, sha string) (Commit, error)
	// Tree lists the files below a directory ("" for all) at a commit, paths from
	// the repository's root. A directory that isn't there is empty; a commit that
	// isn't there is ErrNotFound. ErrTooMany when the forge truncates the list.
	// 1 call; in huge repositories 1 per level of dir and 1.
	Tree(ctx context.Context, repo Repo, commit, dir string) ([]TreeEntry, error)
	// Blobs reads the content of entries of the commit's tree, by blob id, each
	// proven by its hash. An entry over the size limit is left out and named by
	// an ErrTooLarge in the (joined) error; with any other error the map is nil.
	// 1 call each for up to 8 distinct blobs, else 1 for an archive (and 1 for
	// each file the archive lacks or alters).
	Blobs(ctx context.Context, repo Repo, commit string, entries []TreeEntry) (map[string][]byte, error)
	// PullRequestsOf lists the pull requests a commit belongs to, merged or not.
	// Empty when there are none. ErrNotFound for an unknown commit. 1 call per 100.
	PullRequestsOf(ctx context.Context, repo Repo, sha string) ([]int, error)

	// Permission reads what a user may do in a repository. A user who doesn't
	// exist or isn't there has NoPermission. 1 call.
	Permission(ctx context.Context, repo Repo, login string) (Permission, error)
	// InTeam says if a user is an active member of a team given as "org/slug"
	// (child teams count). A team or member that isn't there is false. 1 call.
	InTeam(ctx context.Context, team, login string) (bool, error)
	// Comment reads a pull request's comment. ErrNotFound. 1 call.
	Comment(ctx context.Context, repo Repo, id int64) (Comment, error)

	// PutSticky makes or edits the one comment with the marker and returns its
	// id. The stored id is tried first, then the marker is looked for over all
	// pages among the comments of our own app; only then one is made. A body over
	// the limit is cut at a line, with its fences closed. 1 call with a valid id.
	PutSticky(ctx context.Context, repo Repo, pr int, s Sticky) (int64, error)
	// AddComment makes a new comment, which notifies people, and returns its id.
	// With MayExist one of ours with the marker is looked for first, from the
	// newest on, and left as it is. 1 call; with MayExist 1 more per 100 comments
	// until it is found.
	AddComment(ctx context.Context, repo Repo, pr int, n Note) (int64, error)
	// React adds a reaction to a comment; it is no error when it is there. 1 call.
	React(ctx context.Context, repo Repo, commentID int64, r Reaction) error
	// PutCheck makes (ID 0) or updates a check and returns its id, also beside an
	// error once the check exists. Annotations a forge has can't be taken back.
	// 1 call, and 1 per further 50 annotations; with MayExist 1 more.
	PutCheck(ctx context.Context, repo Repo, c Check) (int64, error)
	// AddReview comments on lines of the pull request's diff at a commit, in one
	// review. ErrUnprocessable when the forge refuses a line (see
	// ChangedFile.DiffLines) or the commit. With MayExist those whose marker is on
	// the pull request already are left out. No comments: no call. 1 call; with
	// MayExist 1 more per 100 inline comments until all are found.
	AddReview(ctx context.Context, repo Repo, pr int, r Review) error
	// PutDeployment makes (ID 0) a deployment and sets its state; it returns the
	// id, also beside an error once the deployment exists. 1 call, 2 when it is
	// made, with MayExist up to 2 more.
	PutDeployment(ctx context.Context, repo Repo, d Deployment) (int64, error)
}
