package providers

import (
	"slices"
	"time"
)

// Repo names a repository. ID is the forge's number, which survives renames.
type Repo struct {
	Provider     string // Provider.Name
	Owner        string
	Name         string
	ID           int64
	Installation int64 // of our app; a hint, looked up when it no longer holds
	Private      bool  // false when not known: then texts are masked as for the public
	Archived     bool  // read-only; false when not known
}

// FullName is "owner/name".
func (r Repo) FullName() string { return r.Owner + "/" + r.Name }

// String is "provider/owner/name", as in a project's configuration.
func (r Repo) String() string { return r.Provider + "/" + r.FullName() }

// Person is a user, or an author known by name and address only (Login "").
type Person struct {
	Login string
	ID    int64
	Name  string
	Email string
	Bot   bool
}

// Ref is one end of a pull request.
type Ref struct {
	Repo string // "owner/name"; "" when the fork is gone
	Name string // branch
	SHA  string
}

// PullRequest is a pull request's state now.
type PullRequest struct {
	Number      int
	Title       string
	URL         string // its web page
	Open        bool
	Draft       bool
	Merged      bool
	MergeCommit string // only when merged
	MergedBy    Person
	Fork        bool // the head is in another repository, or in none
	Base, Head  Ref
	Author      Person
	Labels      []string
}

// FileStatus says what a pull request does to a file.
type FileStatus string

// The states of a changed file.
const (
	Added    FileStatus = "added"
	Modified FileStatus = "modified"
	Removed  FileStatus = "removed"
	Renamed  FileStatus = "renamed" // Previous is the old path; the content may differ too
)

// ChangedFile is one file of a pull request's diff.
type ChangedFile struct {
	Path     string
	Previous string
	Status   FileStatus
	Blob     string // blob id at the head ("" when removed)
	Patch    string // unified diff hunks; "" when the forge leaves a large or binary one out
}

// Commit is one commit.
type Commit struct {
	SHA       string
	Parents   []string
	Author    Person
	Committer Person
	Message   string
	Time      time.Time // committed
}

// EntryKind says what an entry of a tree is.
type EntryKind string

// The kinds of tree entries.
const (
	File      EntryKind = "file"
	Symlink   EntryKind = "symlink"
	Submodule EntryKind = "submodule"
)

// TreeEntry is a file in a commit.
type TreeEntry struct {
	Path string
	Blob string // git's id of the content
	Size int64  // bytes
	Kind EntryKind
}

// Permission is what a user may do in a repository.
type Permission string

// Permissions, from the weakest. The empty Permission is NoPermission too.
const (
	NoPermission       Permission = "none"
	ReadPermission     Permission = "read"
	TriagePermission   Permission = "triage"
	WritePermission    Permission = "write"
	MaintainPermission Permission = "maintain"
	AdminPermission    Permission = "admin"
)

var permissions = []Permission{
	NoPermission, ReadPermission, TriagePermission, WritePermission, MaintainPermission, AdminPermission,
}

// AtLeast says if p includes wanted. A permission nobody knows includes nothing,
// and nothing includes it.
func (p Permission) AtLeast(wanted Permission) bool {
	if wanted == NoPermission {
		return true
	}
	need := slices.Index(permissions, wanted)
	return need >= 0 && slices.Index(permissions, p) >= need
}

// Comment is a comment on a pull request.
type Comment struct {
	ID          int64
	PullRequest int
	Author      Person
	Body        string
	Own         bool // made by our app
	Created     time.Time
	Updated     time.Time
}

// Sticky is the one comment of ours that is edited in place.
type Sticky struct {
	ID     int64  // as stored before; 0 when not known
	Marker string // an HTML comment; put on top of the body where it lacks it
	Body   string // Markdown
}

// Note is a new comment of ours.
type Note struct {
	Marker   string // an HTML comment that no other note of the pull request has; put on top of the body where it lacks it
	Body     string // Markdown
	MayExist bool   // an earlier call may have got through: look before writing
}

// Reaction is a mark on a comment.
type Reaction string

// The reactions we use.
const (
	Seen     Reaction = "eyes"
	Accepted Reaction = "rocket"
	Refused  Reaction = "-1"
	Confused Reaction = "confused"
)

// Review is a set of inline comments that are made together.
type Review struct {
	Commit   string // whose diff the comments are about
	Comments []InlineComment
	MayExist bool // an earlier call may have got through: look before writing
}

// InlineComment is a comment on lines of a diff's new side, 1-based.
type InlineComment struct {
	Path      string
	StartLine int // 0 or Line for a single line
	Line      int // last line
	Body      string
	Marker    string // an HTML comment that no other inline comment of the pull request has; put at the end of the body
}
