package deploy

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Release is the set of migrations that one merge brought to a project.
// Migrations and Hash change only by an audited edit (accept-edit, or a fix
// merged before the text was applied anywhere); approvals and reviews of the
// text before an edit stop counting, because they name the hash.
type Release struct {
	ID          string // ULID
	Project     string // Project.ID
	Seq         int64  // merge order within the project, from 1
	MergeCommit string
	PullRequest int // 0: pushed directly
	Title       string
	Author      string // login of the pull request's author, or of the pusher
	People      People
	Migrations  []Migration // in apply order
	Hash        string      // ContentHash of the migrations that still count
	Problems    []Problem
	Review      Review
	MergedAt    time.Time
	CreatedAt   time.Time
}

// People are those who made the change; none of them may approve it unless the
// environment allows self-approval.
type People struct {
	Logins   []string `json:"logins"`   // authors, committers, co-authors, pusher, as forge logins
	Unmapped []string `json:"unmapped"` // "Name <mail>" of those no forge user could be found for
	// Incomplete: the forge does not tell everybody, so anyone may be one of them.
	Incomplete bool `json:"incomplete,omitempty"`
}

// Migration is one file of a release.
type Migration struct {
	Version    string // unique among the project's: a number, a name, "B10" of a baseline, "10@prod/orders" of a path that selects
	Name       string
	Kind       string // an executor.Kind; "" is versioned
	Change     string // "ddl" or "dml"
	Path       string
	Checksum   string // executor.Checksum of the text; "" when the file could not be read
	Blob       string // names the bytes in the store; "" when the file could not be read
	Statements int
	// EditedBy is the release whose merge replaced the text, "" for none.
	EditedBy string
	// Withdrawn: the file was deleted before it was applied anywhere; it runs nowhere.
	Withdrawn bool
	// Broken: the file can't be applied as it is; a Problem says why.
	Broken bool
}

// ProblemCode says what is wrong with a merged file.
type ProblemCode string

// The problems a merged file can have.
const (
	ProblemUnreadable   ProblemCode = "unreadable"        // not UTF-8, empty, too large, unknown name, bad directive …
	ProblemDuplicate    ProblemCode = "duplicate_version" // a version that another file has
	ProblemBelowNewest  ProblemCode = "below_newest"      // a version below the newest on the branch
	ProblemEdited       ProblemCode = "edited"            // a released migration's text was changed
	ProblemDeleted      ProblemCode = "deleted"           // a released migration's file was deleted
	ProblemRenamed      ProblemCode = "renamed"           // a released migration's file was renamed
	ProblemNotMigration ProblemCode = "invalid"           // what the bot found by itself, e.g. more files than the forge lists
)

// Problem is why a release can't go on as it was merged. It closes every gate
// of the release until it is answered: by a fix merged later, by accept-edit,
// or in one environment by skip.
type Problem struct {
	Code    ProblemCode `json:"code"`
	Path    string      `json:"path"`
	Version string      `json:"version"` // "" when the name has none
	Text    string      `json:"text"`    // one sentence
	// Checksums of an edit: what was released and what the branch holds now
	// ("" when deleted).
	Before string `json:"before"`
	After  string `json:"after"`
	// Changed: the file was released before this release changed it.
	Changed bool      `json:"changed"`
	Answer  *Answered `json:"answer"` // nil: still open
}

// Answered says who ended a problem, and how.
type Answered struct {
	By      string    `json:"by"`   // login, or "merge of RELEASE" for a fix forward
	Verb    string    `json:"verb"` // accept-edit, fix
	Reason  string    `json:"reason"`
	Release string    `json:"release"` // the release that brought the fix, "" for a command
	At      time.Time `json:"at"`
}

// Review is the verdict on a release at its merge commit.
type Review struct {
	Hash    string    `json:"hash"`  // the Release.Hash that was reviewed, "" before any review
	Clean   bool      `json:"clean"` // nothing blocks
	Errors  int       `json:"errors"`
	Summary string    `json:"summary"`
	At      time.Time `json:"at"`
}

// Verdict is what the bot's review at the merge commit found. Hash is
// Release.Hash as it was when the files were read: a verdict on a text that an
// edit has replaced since is refused.
type Verdict struct {
	Hash    string
	Clean   bool
	Errors  int
	Summary string
	Report  []byte // the reviewer's report, JSON; Service.ReviewReport returns it
}

// NewRelease is one merge commit of the branch as the forge tells it. A merge
// that added, changed or deleted nothing below the project's path makes no
// release and only moves the cursor.
type NewRelease struct {
	MergeCommit string
	PullRequest int
	Title       string
	Author      string
	People      People
	MergedAt    time.Time
	// Added, Changed and Deleted are paths below the project's path whose
	// contents differ from the parent commit's; a rename is a delete and an add.
	Added, Changed, Deleted []string
	// Before are the Changed and Deleted files as the parent commit had them, as far
	// as they could be had: what was applied of a file may stand unchanged in it.
	Before []File
	// Folder is every file below the project's path at the merge commit.
	Folder []File
	// Problems the bot found by itself, e.g. more files than the forge lists.
	Problems []Problem
}

// empty says that the merge brought nothing for this project.
func (n NewRelease) empty() bool {
	return len(n.Added)+len(n.Changed)+len(n.Deleted)+len(n.Problems) == 0
}

// File is one file of the folder at a merge commit. Content may be left out
// when the store has the blob already (see Service.KnownBlobs); a file that
// can't be had (too large for the forge or for our limit) says so in Unreadable.
type File struct {
	Path       string
	Blob       string // the forge's content id (git blob sha); "" when unknown
	Content    []byte
	Unreadable string // why there is no content, one clause: "20 MB, the limit is 1 MB"
}

// ContentHash is the hash that approvals and reviews name: sha256 over the
// sorted (project, path, version, checksum) of the migrations that can run or
// will have to be dealt with; withdrawn ones don't count (execution.md §6.0).
func ContentHash(project string, migrations []Migration) string {
	lines := make([]string, 0, len(migrations))
	for _, m := range migrations {
		if m.Withdrawn {
			continue
		}
		lines = append(lines, strings.Join([]string{
			strconv.Quote(project), strconv.Quote(m.Path), strconv.Quote(m.Version), m.Checksum,
		}, " "))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// Excludes says whether the login belongs to the change's own people, or may do
// so as far as the forge tells.
func (r Release) Excludes(login string) bool {
	same := func(other string) bool { return strings.EqualFold(other, login) }
	return r.People.Incomplete || same(r.Author) || slices.ContainsFunc(r.People.Logins, same)
}

// Reviewed says whether the release's present text has a verdict.
func (r Release) Reviewed() bool { return r.Review.Hash != "" && r.Review.Hash == r.Hash }

// Statements is how many statements the release runs on one database.
func (r Release) Statements() int {
	n := 0
	for _, m := range r.Migrations {
		if !m.Withdrawn {
			n += m.Statements
		}
	}
	return n
}
