package syntax

// Parse reads one statement, without its delimiter. It never fails and never
// panics: what it can't make sense of is Unknown, and not Understood.
func Parse(text string, flavour Flavour) Statement {
	return Statement{Kind: Unknown, text: text, flavour: flavour}
}

// WritesLedger says whether the statement changes one of ShipSQL's own tables, or
// may: where not all of its names were understood, naming one is enough.
func (s Statement) WritesLedger() bool { return false }

// Rewrite returns the statement with every name moved from the current schema
// into another, qualified, so that it can't touch the current one. False when a
// name was not understood or lies in a third schema, or when running the
// statement there would do more than make, change or drop an object (an event
// would begin to run).
func (s Statement) Rewrite(current, scratch string) (string, bool) { return "", false }

// Online returns the statement with ALGORITHM= and LOCK= clauses added; an empty
// lock adds none. False for statements that can't have them, or have one.
func (s Statement) Online(algorithm, lock string) (string, bool) { return "", false }

type spot struct {
	start, end int
	object     int
}

type online struct{ at int }
