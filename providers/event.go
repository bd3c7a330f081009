package providers

// EventKind says what a delivery is about.
type EventKind string

// The kinds of events.
const (
	// PullRequestChanged: opened, pushed to, edited, labelled, closed or merged.
	PullRequestChanged EventKind = "pull-request"
	// CommentCreated: somebody else than our app commented on a pull request.
	CommentCreated EventKind = "comment"
	// Pushed: a branch moved, or was made or deleted.
	Pushed EventKind = "push"
	// CheckRerequested: somebody asks to run our check again.
	CheckRerequested EventKind = "check-rerequested"
	// CheckAction: somebody pressed a button of our check; Action is its id.
	CheckAction EventKind = "check-action"
	// MergeGroup: the merge queue asks for our check on HeadSHA.
	MergeGroup EventKind = "merge-group"
	// InstallationChanged: our app was installed, removed, suspended, or given
	// other repositories or permissions. Action is one of the Installation…
	// words below, Repos the repositories it is about as far as the forge names
	// them, Repo.Installation the installation.
	InstallationChanged EventKind = "installation"
	// RepositoryChanged: the repository has another name, owner or visibility, or
	// is archived or gone. Action is one of the Repository… words below, Repo its
	// name now; Repo.ID tells which one it was.
	RepositoryChanged EventKind = "repository"
	// Ignored: nothing for us; Note says why.
	Ignored EventKind = "ignored"
)

// What happened to an installation, in Event.Action.
const (
	InstallationCreated     = "created"
	InstallationDeleted     = "deleted"
	InstallationSuspended   = "suspend"
	InstallationUnsuspended = "unsuspend"
	InstallationPermissions = "new_permissions_accepted"
	InstallationAdded       = "added"   // repositories
	InstallationRemoved     = "removed" // repositories
	InstallationRenamed     = "renamed" // the account, and with it the owner of its repositories
)

// What happened to a repository, in Event.Action.
const (
	RepositoryRenamed     = "renamed"
	RepositoryTransferred = "transferred"
	RepositoryDeleted     = "deleted"
	RepositoryArchived    = "archived"
	RepositoryUnarchived  = "unarchived"
	RepositoryPrivatized  = "privatized"
	RepositoryPublicized  = "publicized"
)

// Event is a delivery reduced to identifiers. They come from the payload, so
// they say where to look and nothing more; what isn't known is zero.
type Event struct {
	Kind     EventKind
	Delivery string // the forge's id of the delivery, the same when redelivered; never empty
	Action   string // the forge's word for what happened, or the button's identifier
	Note     string // why it is ignored

	Repo        Repo
	Repos       []Repo // of InstallationChanged: without an owner where the forge names none
	PullRequest int
	Comment     int64
	Check       int64  // id of our check
	ExternalID  string // of our check, as given in Check.ExternalID
	Branch      string // pushed branch; base branch of a pull request or merge group
	HeadSHA     string // "" when a branch was deleted
	BaseSHA     string // merge group: the commit it builds upon
	Sender      Person
}
