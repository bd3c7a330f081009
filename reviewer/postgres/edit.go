package postgres

import (
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

// Suggestions are edits of the user's own text, so that its names, case and
// comments stay as they are.

// insertBehind puts text behind the first of the words in the statement.
func insertBehind(sql, word, text string) string {
	for _, t := range syntax.Lex(sql) {
		if t.Kind == syntax.Word && strings.EqualFold(sql[t.Start:t.End], word) {
			return sql[:t.End] + text + sql[t.End:]
		}
	}
	return sql
}

// notValid is the statement with NOT VALID behind each foreign key and check
// that it adds.
func notValid(s *subject) string {
	sql := s.sql
	adds := s.actions(pg_query.AlterTableType_AT_AddConstraint)
	for _, a := range slices.Backward(adds) { // so that what comes before stays in place
		c := a.GetDef().GetConstraint()
		checked := c.GetContype() == pg_query.ConstrType_CONSTR_FOREIGN || c.GetContype() == pg_query.ConstrType_CONSTR_CHECK
		if checked && !c.GetSkipValidation() {
			end := actionEnd(s.sql, a.index)
			sql = sql[:end] + " NOT VALID" + sql[end:]
		}
	}
	return terminated(sql)
}

// actionEnd finds the end of an ALTER TABLE's action: actions are separated by
// commas outside of brackets.
func actionEnd(sql string, action int) int {
	depth, index, end := 0, 0, 0
	for _, t := range syntax.Lex(sql) {
		switch sql[t.Start:t.End] {
		case "(", "[":
			depth++
		case ")", "]":
			depth--
		case ",":
			if depth == 0 && index == action {
				return end
			}
			if depth == 0 {
				index++
			}
		}
		end = t.End
	}
	return end
}

// defaultText is the expression behind DEFAULT in the definition of the column:
// what follows up to the next clause or action.
func defaultText(sql, column string) string {
	start, depth, named := -1, 0, false
	for _, t := range syntax.Lex(sql) {
		text := sql[t.Start:t.End]
		switch {
		case start < 0:
			named = named || strings.EqualFold(strings.Trim(text, `"`), column)
			if named && strings.EqualFold(text, "DEFAULT") {
				start = t.End
			}
		case text == "(" || text == "[":
			depth++
		case text == ")" || text == "]":
			depth--
		case depth == 0 && (text == "," || clauses[strings.ToUpper(text)] && t.Kind == syntax.Word):
			return strings.TrimSpace(sql[start:t.Start])
		}
	}
	if start < 0 {
		return "…"
	}
	return strings.TrimSpace(sql[start:])
}

// clauses may follow a default in a column's definition.
var clauses = map[string]bool{
	"NOT": true, "NULL": true, "UNIQUE": true, "PRIMARY": true, "CHECK": true, "REFERENCES": true, "CONSTRAINT": true, "COLLATE": true, "GENERATED": true,
}
