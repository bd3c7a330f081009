package postgres

import (
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// rule is everything about one rule.
type rule struct {
	finding.Rule

	check func(*subject) []Hit // nil: Analysis.structure finds it
}

// hits are what the rule says, with its name and severity.
func (r *rule) hits(s *subject) []Hit {
	if r.check == nil {
		return nil
	}
	hits := r.check(s)
	for i := range hits {
		hits[i].Rule = &r.Rule
		hits[i].Severity = finding.Min(scaled(r.Rule, hits[i].Table), hits[i].AtMost)
	}
	return hits
}

// rules are all rules, in the order of their documentation.
var rules = []*rule{
	&createIndexWithoutConcurrently,
	&concurrentlyInTransaction,
	&addForeignKeyWithoutNotValid,
	&addCheckWithoutNotValid,
	&addColumnWithCheckScans,
	&setNotNullScansRule,
	&addUniqueConstraint,
	&addPrimaryKeyWithoutIndex,
	&addColumnVolatileDefault,
	&addColumnSerial,
	&addColumnIdentity,
	&addColumnGeneratedStored,
	&addColumnConstrainedDomain,
	&changeColumnTypeRewrites,
	&dropTable,
	&dropColumn,
	&renameTable,
	&renameColumn,
	&addRequiredColumn,
	&deleteOrUpdateWithoutWhere,
	&tableWithoutPrimaryKey,
	&refusedStatement,
	&syntaxError,
	&notAnalysed,
}

// Rules describes all rules of this package.
func Rules() []finding.Rule {
	all := make([]finding.Rule, len(rules))
	for i, r := range rules {
		all[i] = r.Rule
	}
	return all
}

// small is the size below which reading or writing a whole table takes a
// moment: some ten milliseconds on an ordinary disk.
const small = 10 << 20 // bytes

// scaled is the rule's severity for a table of that size.
func scaled(r finding.Rule, t *schema.Table) finding.Severity {
	switch {
	case t == nil || !t.Size.Known:
		return r.Severity
	case t.Empty():
		return finding.Min(r.Severity, r.Empty)
	case t.Size.Bytes < small:
		return finding.Min(r.Severity, r.Small)
	}
	return r.Severity
}
