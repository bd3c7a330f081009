package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
)

// Rules about ADD COLUMN forms that write the whole table anew. They differ in
// the cause, and so in the way out.

const whyAddColumnRewrites = " Such a rewrite holds ACCESS EXCLUSIVE: reads and writes wait until the table and all its indexes are written anew, " +
	"which also needs as much free disk space again."

var addColumnVolatileDefault = rule{
	Rule: finding.Rule{
		ID:       "add-column-volatile-default",
		Meaning:  "A column is added with a default that differs from row to row",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "Since PostgreSQL 11 a default that is the same for every row is kept in the catalog; a volatile one (random(), gen_random_uuid(), " +
			"clock_timestamp(), a function not declared otherwise) must be computed and written row by row." + whyAddColumnRewrites,
		Remedy: "Add the column without the default, SET DEFAULT for new rows, and fill the old rows in batches.",
	},
	check: func(s *subject) []Hit {
		return append(addColumnHits(s, volatileDefault, defaultMessage, splitDefault), addColumnHits(s, oldServer, oldMessage, splitDefault)...)
	},
}

var addColumnSerial = rule{
	Rule: finding.Rule{
		ID:       "add-column-serial",
		Meaning:  "A serial column is added to a table in use",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why:    "serial is a column whose default is nextval(), which is volatile: each row is written with a number of its own." + whyAddColumnRewrites,
		Remedy: "Add a bigint column, create a sequence, SET DEFAULT nextval(…), and fill the old rows in batches.",
	},
	check: func(s *subject) []Hit { return addColumnHits(s, serialColumn, numberMessage, numberFix) },
}

var addColumnIdentity = rule{
	Rule: finding.Rule{
		ID:       "add-column-identity",
		Meaning:  "An identity column is added to a table in use",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why:    "An identity column gives every row a number of its own." + whyAddColumnRewrites,
		Remedy: "Add a bigint column, fill it in batches, set it NOT NULL the safe way, then ALTER COLUMN … ADD GENERATED … AS IDENTITY, which rewrites nothing.",
	},
	check: func(s *subject) []Hit { return addColumnHits(s, identityColumn, numberMessage, identityFix) },
}

var addColumnGeneratedStored = rule{
	Rule: finding.Rule{
		ID:       "add-column-generated-stored",
		Meaning:  "A stored generated column is added to a table in use",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why:    "A stored generated column is computed for and written to every row." + whyAddColumnRewrites,
		Remedy: "Add a plain column kept by a trigger and fill it in batches; on PostgreSQL 18 a VIRTUAL generated column costs nothing.",
	},
	check: func(s *subject) []Hit { return addColumnHits(s, storedColumn, storedMessage, storedFix) },
}

var addColumnConstrainedDomain = rule{
	Rule: finding.Rule{
		ID:       "add-column-constrained-domain",
		Meaning:  "A column of a domain with constraints is added to a table in use",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why:    "For a domain with a CHECK or NOT NULL PostgreSQL takes the way that checks and writes every row." + whyAddColumnRewrites,
		Remedy: "Give the column the domain's base type and a CHECK that is added NOT VALID and validated in a later migration.",
	},
	check: func(s *subject) []Hit { return addColumnHits(s, constrainedDomain, domainMessage, domainFix) },
}

// addColumnHits are the columns that are added at the price of a rewrite for
// the given cause.
func addColumnHits(s *subject, cause rewriteCause, message, fix func(*subject, action) string) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_AddColumn) {
		if addColumnCause(s, a.GetDef().GetColumnDef()) == cause {
			hits = append(hits, Hit{Table: a.table, Message: message(s, a), Fix: fix(s, a)})
		}
	}
	return hits
}

func (a action) column() string { return a.GetDef().GetColumnDef().GetColname() }

func defaultMessage(s *subject, a action) string {
	return fmt.Sprintf("The default of %s calls %s, so adding the column rewrites all of %s while reads and writes wait",
		a.column(), s.volatile(defaultOf(a.GetDef().GetColumnDef())), described(a.table))
}

func oldMessage(s *subject, a action) string {
	return fmt.Sprintf("Before PostgreSQL 11 (this is %d) a column with a default rewrites all of %s while reads and writes wait", s.major, described(a.table))
}

func numberMessage(_ *subject, a action) string {
	return fmt.Sprintf("Column %s numbers the rows that exist, which rewrites all of %s while reads and writes wait", a.column(), described(a.table))
}

func storedMessage(_ *subject, a action) string {
	return fmt.Sprintf("Computing %s for the rows that exist rewrites all of %s while reads and writes wait", a.column(), described(a.table))
}

func domainMessage(_ *subject, a action) string {
	return fmt.Sprintf("The domain of %s has constraints, so adding the column rewrites all of %s while reads and writes wait", a.column(), described(a.table))
}

func splitDefault(s *subject, a action) string {
	return fmt.Sprintf("ALTER TABLE %[1]s ADD COLUMN %[2]s %[3]s;\nALTER TABLE %[1]s ALTER COLUMN %[2]s SET DEFAULT %[4]s;\n-- then fill the old rows in batches",
		quotedName(a.table.Name), quoted(a.column()), columnType(a), defaultText(s.sql, a.column()))
}

func numberFix(_ *subject, a action) string {
	return fmt.Sprintf("ALTER TABLE %[1]s ADD COLUMN %[2]s bigint;\nCREATE SEQUENCE %[3]s OWNED BY %[1]s.%[2]s;\n"+
		"ALTER TABLE %[1]s ALTER COLUMN %[2]s SET DEFAULT nextval('%[3]s');\n-- then fill the old rows in batches",
		quotedName(a.table.Name), quoted(a.column()), quoted(a.table.Name.Name+"_"+a.column()+"_seq"))
}

func identityFix(_ *subject, a action) string {
	return fmt.Sprintf("ALTER TABLE %[1]s ADD COLUMN %[2]s %[3]s;\n-- fill the rows in batches, then set the column NOT NULL the safe way, then:\n"+
		"ALTER TABLE %[1]s ALTER COLUMN %[2]s ADD GENERATED BY DEFAULT AS IDENTITY;", quotedName(a.table.Name), quoted(a.column()), columnType(a))
}

func storedFix(s *subject, a action) string {
	if s.major >= 18 {
		return "Make the column VIRTUAL instead of STORED: it then costs nothing."
	}
	return fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s;\n-- then keep it by a trigger, and fill the old rows in batches", quotedName(a.table.Name), quoted(a.column()), columnType(a))
}

func domainFix(s *subject, a action) string {
	base, _ := s.baseType(columnType(a), false)
	constraint := a.table.Name.Name + "_" + a.column() + "_check"
	return fmt.Sprintf("ALTER TABLE %[1]s ADD COLUMN %[2]s %[3]s;\nALTER TABLE %[1]s ADD CONSTRAINT %[4]s CHECK (…) NOT VALID;\n-- in a later migration:\n%[5]s",
		quotedName(a.table.Name), quoted(a.column()), base, quoted(constraint), validation(a.table, constraint))
}
