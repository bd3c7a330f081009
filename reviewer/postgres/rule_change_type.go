package postgres

import (
	"fmt"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

var changeColumnTypeRewrites = rule{
	Rule: finding.Rule{
		ID:       "change-column-type-rewrites",
		Meaning:  "A change of a column's type rewrites the table",
		Category: "lock", Severity: finding.Error, Empty: finding.Notice, Small: finding.Warning,
		Why: "ALTER COLUMN … TYPE writes the table and all its indexes anew under ACCESS EXCLUSIVE: reads and writes wait. Nothing is rewritten " +
			"where every old value is valid as it is: a longer or unlimited varchar, varchar to text, numeric with more precision and the same scale, " +
			"and timestamp to timestamptz or back in a session whose time zone is UTC.",
		Remedy: "Add a column of the new type, keep both by a trigger, fill it in batches, switch the application over, drop the old one.",
	},
	check: checkChangeType,
}

func checkChangeType(s *subject) []Hit {
	var hits []Hit
	for _, a := range s.actions(pg_query.AlterTableType_AT_AlterColumnType) {
		if h, ok := changeTypeHit(s, a, typeChangeOf(s, a.table, a.AlterTableCmd)); ok {
			hits = append(hits, h)
		}
	}
	return hits
}

func changeTypeHit(s *subject, a action, change typeChange) (Hit, bool) {
	h := Hit{Table: a.table, Fix: changeTypeFix(a)}
	switch change {
	case keeps:
		return Hit{}, false
	case rewrites:
		h.Message = fmt.Sprintf("Changing %s%s to %s%s rewrites all of %s while reads and writes wait",
			a.GetName(), oldType(a), columnType(a), using(a), described(a.table))
	case unknownChange:
		h.AtMost = finding.Warning
		h.Message = fmt.Sprintf("The type of %s so far is not known: unless %s only widens it, the change rewrites all of %s while reads and writes wait",
			a.GetName(), columnType(a), described(a.table))
	case keepsInUTC:
		h.AtMost = finding.Warning
		h.Message = fmt.Sprintf("Changing %s%s to %s rewrites all of %s unless the session's time zone is UTC", a.GetName(), oldType(a), columnType(a), described(a.table))
		h.Fix = "If the values without a time zone are in UTC:\nSET LOCAL TimeZone = 'UTC';\n" + terminated(s.sql)
	}
	return h, true
}

func oldType(a action) string {
	if c := a.table.Column(a.GetName()); c != nil {
		return " from " + c.Type
	}
	return ""
}

// using mentions an expression that every row goes through.
func using(a action) string {
	if castsOnly(a.GetDef().GetColumnDef().GetRawDefault(), a.GetName()) {
		return ""
	}
	return " with a USING expression"
}

func columnType(a action) string { return schema.TypeText(a.GetDef().GetColumnDef().GetTypeName()) }

func changeTypeFix(a action) string {
	table, column, fresh := quotedName(a.table.Name), quoted(a.GetName()), quoted(a.GetName()+"_new")
	return fmt.Sprintf("ALTER TABLE %[1]s ADD COLUMN %[3]s %[4]s;\n-- keep %[3]s equal to %[2]s by a trigger, fill the old rows in batches, switch the application over; in a later migration:\n"+
		"ALTER TABLE %[1]s DROP COLUMN %[2]s;\nALTER TABLE %[1]s RENAME COLUMN %[3]s TO %[2]s;", table, column, fresh, columnType(a))
}
