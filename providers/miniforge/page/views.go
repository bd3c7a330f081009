package page

import "time"

// Index is the list of repositories.
type Index struct{ Repos []Repo }

// Repo is a repository with its pull requests, newest first.
type Repo struct {
	Name  string
	Pulls []Row
}

// Row is a pull request in the list.
type Row struct {
	Number               int
	Title, Author, State string // open, draft, queued, merged or closed
	URL                  string
	At                   time.Time
	Comments             int
}

// Pull is the page of a pull request.
type Pull struct {
	Row
	Repo         string
	Base, Head   string
	HeadSHA      string
	MergedBy     string
	MergeSHA     string
	Labels       []string
	Commits      []Commit
	Talk         []Talk // the description, comments and reviews, oldest first
	Checks       []Check
	Files        []File
	Environments []Environment
	Blocked      string   // why the merge button is disabled
	People       []string // who may be acted as
	Additions    int
	Deletions    int
}

// Open says whether the pull request can still change.
func (p Pull) Open() bool { return p.State != "merged" && p.State != "closed" }

// Commit is a commit of the pull request.
type Commit struct{ SHA, Subject, Author string }

// Talk is an entry of the conversation.
type Talk struct {
	ID        int64
	Author    string
	ByApp     bool
	Verb      string // "commented", "reviewed" …
	Body      string // Markdown
	At        time.Time
	Edited    bool
	Reactions []Reaction
	Inline    []Remark // a review's comments on lines
}

// Reaction is an emoji with the people who chose it.
type Reaction struct {
	Emoji, Name string
	Users       []string
}

// Remark is something said about lines of a file: a review comment, or an
// annotation of a check.
type Remark struct {
	ID         int64 // of a review comment; 0 for an annotation
	Author     string
	Level      string // of an annotation: notice, warning or failure
	Title      string
	Path       string
	Line       int
	Body       string // Markdown without suggestions; plain text of an annotation
	Suggestion *Suggestion
}

// Suggestion is a change that can be committed with one click.
type Suggestion struct {
	Before, After []string // lines
	Outdated      bool     // the head has moved on
}

// Check is a check run.
type Check struct {
	ID          int64
	Name        string
	Required    bool
	State       string // queued, in_progress or the conclusion
	Title       string
	Summary     string // Markdown
	Text        string // Markdown
	DetailsURL  string
	Annotations []Remark
	Actions     []Action
	At          time.Time
}

// Action is a check run's button.
type Action struct{ Label, Description, Identifier string }

// File is a changed file with its diff.
type File struct {
	Path, Previous, Status string
	Additions, Deletions   int
	Lines                  []Line
}

// Line is a line of a diff with the remarks below it.
type Line struct {
	Kind     string // add, del, same, hunk or note
	Old, New int    // 0 where it doesn't stand
	Text     string
	Remarks  []Remark
}

// Environment is the newest deployment to an environment.
type Environment struct {
	Name, State, Description, URL string
	At                            time.Time
}
