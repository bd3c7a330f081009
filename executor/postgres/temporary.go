package postgres

import (
	"regexp"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/internal/fault"
)

// temporary is the name of the temporary relation that a statement makes; "" if it
// makes none, or one that goes with its transaction.
func temporary(tree *pg_query.Node) string {
	into := tree.GetSelectStmt().GetIntoClause()
	if as := tree.GetCreateTableAsStmt(); as != nil {
		into = as.GetInto()
	}
	for _, r := range []*pg_query.RangeVar{
		tree.GetCreateStmt().GetRelation(), tree.GetViewStmt().GetView(), tree.GetCreateSeqStmt().GetSequence(), into.GetRel(),
	} {
		if r.GetRelpersistence() == "t" || r.GetSchemaname() == "pg_temp" {
			if drop := pg_query.OnCommitAction_ONCOMMIT_DROP; tree.GetCreateStmt().GetOncommit() == drop || into.GetOnCommit() == drop {
				return ""
			}
			return r.GetRelname()
		}
	}
	return ""
}

// partTemporary refuses what a part of the file expects of a temporary table that
// another part made. Each part begins in a session that is as new, so that it does
// the same when it goes on after an interruption; the name might be that of a
// table that stays.
func (p *program) partTemporary() error {
	if !p.perStep {
		return nil
	}
	for i := 0; i < len(p.statements); {
		end := p.stretch(i)
		for ; i < end; i++ {
			if made := p.statements[i]; made.temporary != "" {
				if err := p.expected(made, end); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// expected looks for the name of a temporary table behind the part that made it.
func (p *program) expected(made statement, end int) error {
	name := regexp.MustCompile(`(?i)(^|[^\pL\pN_$])` + regexp.QuoteMeta(made.temporary) + `($|[^\pL\pN_$])`)
	for i, s := range p.statements {
		switch {
		case s.n <= made.n || !name.MatchString(s.Text):
		case s.temporary == made.temporary, i < end && strings.EqualFold(s.Text[:min(4, len(s.Text))], "drop"):
			return nil // from here on it is another
		case i >= end:
			return p.refused(s, fault.New(fault.Invalid, "the temporary table %s of line %d is gone here: the file runs in parts, each in a session that is as new", made.temporary, made.Line).
				Then("make it in the part that uses it, or make a table that stays, and drop it at the end"))
		}
	}
	return nil
}
