package postgres

import (
	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/reviewer/postgres/schema"
)

// rewriteCause says why ADD COLUMN writes the whole table anew. Since version
// 11 it does not for a default that is the same for every row: that one value
// is kept in the catalog (pg_attribute.attmissingval).
type rewriteCause int

const (
	noRewrite rewriteCause = iota
	volatileDefault
	serialColumn
	identityColumn
	storedColumn
	constrainedDomain
	oldServer // before version 11 any default
)

func addColumnCause(s *subject, c *pg_query.ColumnDef) rewriteCause {
	domain := s.schema.Domain(schema.NameOf(c.GetTypeName().GetNames()))
	switch {
	case schema.IsSerial(c.GetTypeName()):
		return serialColumn
	case columnConstraint(c, pg_query.ConstrType_CONSTR_IDENTITY) != nil:
		return identityColumn
	case columnConstraint(c, pg_query.ConstrType_CONSTR_GENERATED) != nil:
		return storedColumn // the parser knows no virtual ones yet
	case domain != nil && (domain.NotNull || domain.Checked):
		return constrainedDomain
	case !hasDefault(c):
		return noRewrite
	case s.volatile(defaultOf(c)) != "":
		return volatileDefault
	case s.major < 11:
		return oldServer
	}
	return noRewrite
}

// defaultOf is the expression behind DEFAULT, nil without.
func defaultOf(c *pg_query.ColumnDef) *pg_query.Node {
	return columnConstraint(c, pg_query.ConstrType_CONSTR_DEFAULT).GetRawExpr()
}

// hasDefault says whether new rows get a value other than NULL.
func hasDefault(c *pg_query.ColumnDef) bool {
	d := defaultOf(c)
	for d.GetTypeCast() != nil {
		d = d.GetTypeCast().GetArg()
	}
	return d != nil && !d.GetAConst().GetIsnull()
}

// required says whether the column forbids NULL and nothing fills it.
func required(c *pg_query.ColumnDef) bool {
	forbids := columnConstraint(c, pg_query.ConstrType_CONSTR_NOTNULL) != nil || columnConstraint(c, pg_query.ConstrType_CONSTR_PRIMARY) != nil
	fills := hasDefault(c) || schema.IsSerial(c.GetTypeName()) ||
		columnConstraint(c, pg_query.ConstrType_CONSTR_IDENTITY) != nil || columnConstraint(c, pg_query.ConstrType_CONSTR_GENERATED) != nil
	return forbids && !fills
}

// schemaName splits a type's text: "app.mood" is mood in app.
func schemaName(text string) catalog.Name {
	for i := range len(text) {
		if text[i] == '.' {
			return catalog.Name{Schema: text[:i], Name: text[i+1:]}
		}
	}
	return catalog.Name{Name: text}
}
