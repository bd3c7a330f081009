package message

import "time"

// Forge is how a forge wants texts.
type Forge struct {
	Prefix string // what stands before a command: "/", or "/shipsql " where that is another bot's
	Limit  int    // bytes of a comment
}

// Command is a command as it is typed on this forge.
func (f Forge) Command(text string) string { return f.Prefix + text }

// Sticky is the one comment that follows a pull request all its life.
type Sticky struct {
	PullRequest int
	Glyph       string // stands before the headline, which says the same in words
	Headline    string
	Detail      string // a sentence below the headline, or ""
	Projects    []Project
	Said        string // the last accepted command, restated; "" for none
	Commands    []Hint // what can be typed now
	Head        string // commit the comment is about
	Updated     time.Time
	Link        string // web page with everything, "" for none
}

// Hint is a command and what it does.
type Hint struct{ Command, Does string }

// Project is what one project has to say on the pull request.
type Project struct {
	Name     string // shown when the pull request touches several
	Basis    string // what the review rests on
	Release  string // "release 3 · 2 migrations · 5 statements", "" before the merge
	Stages   []Stage
	Running  []Running // statements that take long
	Failures []Failure
	Problems []Problem // what stops the line, before any finding
	Unmapped []string  // people of the change that the forge has no user for
	Earlier  []Earlier // releases still on their way before this one
	Blocking []Finding
	Remarks  []Finding // warnings and notices
	Waived   []Finding
	Files    []File
}

// Stage is one row of the status table.
type Stage struct {
	Environment string
	Done, Total int // databases
	Glyph, Word string
	Gates       []Gate
	Took        string
	Log         string // URL of the live page, "" for none
	Databases   []Database
	Hidden      int // databases not listed
}

// Gate is a reason why a stage waits, who can change that, and how.
type Gate struct {
	Text     string
	Who      string
	Commands []string
}

// Database is one database's row of a stage.
type Database struct{ Name, Glyph, Word, Progress string }

// Running is a statement that takes long, or is tried again.
type Running struct {
	Environment, Database string
	Glyph, Word           string // the task's state
	Path                  string // "": none of the migrations yet
	Statement, Total      int
	Phase                 string // in the database's words, "" unknown
	Percent               int    // of the phase; -1: not known
	Waits                 string // for whom, "" when it doesn't
}

// Failure is a database's no.
type Failure struct {
	Environment, Database string
	Path, SQLState        string
	Line, Statement       int // 0: not known
	Message, Detail, Hint string
	Next                  string
	Commands              []string
}

// Problem is something other than a finding that needs a person.
type Problem struct {
	Text     string
	Commands []string
}

// Earlier is a release that has to pass before this one.
type Earlier struct {
	Release     int64
	PullRequest int // 0: pushed directly
	Title       string
	State       string
}

// Finding is one thing the reviewer says.
type Finding struct {
	Rule       string
	Path       string
	Line       int
	Severity   string
	Message    string
	Why        string
	Fix        string
	Suggestion string
	Waived     string // reason, "" when it stands
}

// File is one migration's SQL and what it does.
type File struct {
	Path       string
	SQL        string
	Statements int
	Effects    []string // "ACCESS EXCLUSIVE on public.users: blocks reads and writes"
}

// Notice is a short comment of its own, which notifies people.
type Notice struct {
	Environment string
	Release     string
	Approvers   []string // logins and org/teams to mention
	Needed      int
	Commands    []Hint
	Failures    []Failure
	Databases   int
	Link        string
}

// Reply answers a command.
type Reply struct {
	Login    string   // who asked
	Said     string   // the command as typed, "" when the whole comment is meant
	Text     string   // what is wrong, or what was done
	Who      string   // who can
	Commands []string // exact next commands
	Usage    string
	Reasons  []Gate // what still stands in the way
}

// Help lists the commands.
type Help struct {
	Commands     []Hint
	Environments []string
}

// Status is the answer to the status command.
type Status struct{ Projects []Project }

// Check is the text of the check run.
type Check struct {
	Projects []Project
	Detail   string
	Link     string
}
