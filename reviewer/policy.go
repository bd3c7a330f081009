package reviewer

// Policy is a repository's .shipsql.yaml, read from the base branch. The zero
// value is the default policy.
type Policy struct {
	// Rules sets severities by rule. What it sets holds for tables of any size.
	Rules map[string]Severity
	// SelfSuppressible are rules that a file may silence although they are errors.
	SelfSuppressible []string
	// Suppress silences findings in old files.
	Suppress []Suppression
}

// Suppression silences rules (all, when there are none) in the files that match
// one of the globs.
type Suppression struct {
	Files  []string // as of doublestar: migrations/2019*/**
	Rules  []string
	Reason string
}
