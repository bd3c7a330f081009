package reviewer

import "github.com/shipsql/shipsql/reviewer/finding"

// The words of findings, so that most callers need this package only.
type (
	// Finding is one thing the reviewer says.
	Finding = finding.Finding
	// Severity says how much a finding matters.
	Severity = finding.Severity
	// Effects are what one statement does to what exists.
	Effects = finding.Effects
)

// The severities, mildest first.
const (
	Off     = finding.Off
	Notice  = finding.Notice
	Warning = finding.Warning
	Error   = finding.Error
)

// reportVersion is the version of the JSON contract; it grows when a reader
// that knows the former would misread the new.
const reportVersion = 1

// Report is what Review found. It marshals to the JSON of DESIGN §6.
type Report struct {
	Version       int          `json:"version"`
	Engine        string       `json:"engine"`
	EngineVersion string       `json:"engine_version"`
	Files         []FileReport `json:"files"`
	Summary       Summary      `json:"summary"`
	// Basis says what a green report rests on, in words for people.
	Basis string `json:"basis"`
}

// FileReport is one file of a report.
type FileReport struct {
	Path       string            `json:"path"`
	Statements []StatementReport `json:"statements"`
	Findings   []Finding         `json:"findings"`
}

// StatementReport is one statement of a file.
type StatementReport struct {
	Line     int     `json:"line"`
	EndLine  int     `json:"end_line"`
	Kind     string  `json:"kind"` // e.g. ALTER TABLE
	Analysed bool    `json:"analysed"`
	Effects  Effects `json:"effects"`
}

// Summary counts. Errors, warnings and notices count what was waived, too;
// Waived says how many of the errors are.
type Summary struct {
	Files       int `json:"files"`
	Statements  int `json:"statements"`
	Errors      int `json:"errors"`
	Warnings    int `json:"warnings"`
	Notices     int `json:"notices"`
	NotAnalysed int `json:"not_analysed"`
	Waived      int `json:"waived,omitempty"`
	Suppressed  int `json:"suppressed,omitempty"` // silenced by policy or in the file
}

// Blocking says whether any finding forbids the merge.
func (r Report) Blocking() bool {
	for _, file := range r.Files {
		for _, f := range file.Findings {
			if f.Blocking() {
				return true
			}
		}
	}
	return false
}
