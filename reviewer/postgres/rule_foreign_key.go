package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var addForeignKeyWithoutNotValid = rule{
	Rule: finding.Rule{
		ID:       "add-foreign-key-without-not-valid",
		Meaning:  "A foreign key is added and checked in one step",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "ADD FOREIGN KEY holds SHARE ROW EXCLUSIVE on both tables while it checks every row of the referencing one: " +
			"writes to both wait.",
		Remedy: "Add the constraint NOT VALID, which checks new rows only and takes a moment; then, in a later migration, " +
			"ALTER TABLE … VALIDATE CONSTRAINT …, which reads the table under SHARE UPDATE EXCLUSIVE and blocks no writes. " +
			"NOT VALID on a partitioned table needs PostgreSQL 18; before, add the key to each partition this way first.",
	},
	check: checkForeignKey,
}

func checkForeignKey(s *subject) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddConstraint) {
		if c := a.constraint(pg_query.ConstrType_CONSTR_FOREIGN); c != nil && !c.GetSkipValidation() {
			hits = append(hits, foreignKeyHit(s, a, c))
		}
	}
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddColumn) {
		column := a.GetDef().GetColumnDef()
		// Without DEFAULT the column is not checked; with DEFAULT NULL it is (measured).
		if c := columnConstraint(column, pg_query.ConstrType_CONSTR_FOREIGN); c != nil && defaultOf(column) != nil {
			hits = append(hits, inlineForeignKeyHit(s, a, c))
		}
	}
	return hits
}

func foreignKeyHit(s *subject, a action, c *pg_query.Constraint) Hit {
	h := Hit{Table: a.table, Message: foreignKeyMessage(s, a, c)}
	if a.table.Kind == catalog.PartitionedTable && s.major < 18 {
		h.Fix = fmt.Sprintf("PostgreSQL %d has no NOT VALID for partitioned tables: add the key NOT VALID to each partition and validate it "+
			"there, then add it to %s, which finds them checked.", s.major, a.table.Name)
		return h
	}
	h.Suggestion = notValid(s)
	h.Fix = h.Suggestion + "\n-- in a later migration:\n" + validation(a.table, schema.ConstraintName(a.table, c, nil))
	return h
}

func foreignKeyMessage(s *subject, a action, c *pg_query.Constraint) string {
	tables := described(a.table)
	if parent := s.schema.Lookup(c.GetPktable()); parent != a.table {
		tables += " and " + parent.Name.String()
	}
	return fmt.Sprintf("Adding foreign key %s blocks writes to %s while every row is checked", schema.ConstraintName(a.table, c, nil), tables)
}

func inlineForeignKeyHit(s *subject, a action, c *pg_query.Constraint) Hit {
	column := a.GetDef().GetColumnDef().GetColname()
	name := schema.ConstraintName(a.table, c, []string{column})
	parent := quotedName(s.schema.Lookup(c.GetPktable()).Name)
	if keys := schema.Strings(c.GetPkAttrs()); len(keys) > 0 {
		parent += " (" + quotedList(keys) + ")"
	}
	return Hit{
		Table:   a.table,
		Message: fmt.Sprintf("Column %s has a default and a foreign key: %s and %s are locked while every row is checked", column, described(a.table), s.schema.Lookup(c.GetPktable()).Name),
		Fix: fmt.Sprintf("Add the column without REFERENCES, then:\nALTER TABLE %s ADD CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s NOT VALID;\n-- in a later migration:\n%s",
			quotedName(a.table.Name), quoted(name), quoted(column), parent, validation(a.table, name)),
	}
}

// validation is the second step of a constraint added NOT VALID.
func validation(t *schema.Table, constraint string) string {
	return fmt.Sprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s;", quotedName(t.Name), quoted(constraint))
}
