package finding

// Severity says how much a finding matters.
type Severity string

// The severities, mildest first.
const (
	Off     Severity = "off"     // not reported
	Notice  Severity = "notice"  // good to know
	Warning Severity = "warning" // think about it
	Error   Severity = "error"   // blocks the merge
)

var ranks = map[Severity]int{Off: 0, Notice: 1, Warning: 2, Error: 3}

// Valid says whether s is one of the severities.
func (s Severity) Valid() bool { _, ok := ranks[s]; return ok }

// Max returns the graver of two; "" is milder than Off.
func Max(a, b Severity) Severity {
	if a == "" || ranks[b] > ranks[a] {
		return b
	}
	return a
}

// Min returns the milder of two; "" means no opinion.
func Min(a, b Severity) Severity {
	if a == "" || b != "" && ranks[b] < ranks[a] {
		return b
	}
	return a
}

// Rule describes one rule to people.
type Rule struct {
	ID       string // part of the contract, never renamed
	Meaning  string // one line
	Category string // lock, data loss, compatibility, correctness
	Severity Severity
	Why      string // with the engine fact behind it
	Remedy   string // the safe way, with SQL
	// Empty and Small, where set, lower the severity for a table known to be
	// empty, or known to be small: what it costs is then nothing, or little.
	Empty, Small Severity
	// Firm findings can't be silenced from inside the file, whatever the policy.
	Firm bool
	// Final findings can't even be waived: the executor refuses the file too.
	Final bool
}

// Lock is one lock that a statement takes on something that exists.
type Lock struct {
	Object string `json:"object"` // schema.name
	Mode   string `json:"mode"`   // e.g. ACCESS EXCLUSIVE
	Blocks string `json:"blocks"` // none, writes or reads_and_writes
}

// Effects are what one statement does to what exists.
type Effects struct {
	Locks     []Lock   `json:"locks"`
	Rewrite   []string `json:"rewrite"`   // tables written anew
	Scan      []string `json:"scan"`      // tables read as a whole
	Algorithm string   `json:"algorithm"` // MySQL and MariaDB only
	Source    string   `json:"source"`    // static or rehearsed
}

// Finding is one thing the reviewer says. Lines and columns start at 1, columns
// count code points.
type Finding struct {
	Rule        string   `json:"rule"`
	Severity    Severity `json:"severity"`
	Line        int      `json:"line"`
	Column      int      `json:"column"`
	EndLine     int      `json:"end_line"`
	Message     string   `json:"message"`
	Why         string   `json:"why"`
	Fix         string   `json:"fix"`
	Suggestion  string   `json:"suggestion"` // replaces line..end_line; "" for none
	Fingerprint string   `json:"fingerprint"`
	Waived      string   `json:"waived,omitempty"` // the reason of who waived it: blocks no more
}

// Blocking says whether the finding forbids the merge.
func (f Finding) Blocking() bool { return f.Severity == Error && f.Waived == "" }
