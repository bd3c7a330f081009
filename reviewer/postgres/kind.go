package postgres

import (
	"regexp"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
)

// kinds names the statements whose node's name doesn't.
var kinds = map[string]string{
	"CreateStmt": "CREATE TABLE", "CreateTableAsStmt": "CREATE TABLE AS", "IndexStmt": "CREATE INDEX", "ViewStmt": "CREATE VIEW",
	"RuleStmt": "CREATE RULE", "CreateTrigStmt": "CREATE TRIGGER", "CreateSeqStmt": "CREATE SEQUENCE", "AlterSeqStmt": "ALTER SEQUENCE",
	"CompositeTypeStmt": "CREATE TYPE", "CreateEnumStmt": "CREATE TYPE", "CreateRangeStmt": "CREATE TYPE", "DefineStmt": "CREATE",
	"AlterEnumStmt": "ALTER TYPE", "CreateStatsStmt": "CREATE STATISTICS", "CreatePlangStmt": "CREATE LANGUAGE",
	"VariableSetStmt": "SET", "VariableShowStmt": "SHOW", "CreateFunctionStmt": "CREATE FUNCTION", "CreateAmStmt": "CREATE ACCESS METHOD",
	"RefreshMatViewStmt": "REFRESH MATERIALIZED VIEW", "GrantRoleStmt": "GRANT", "CheckPointStmt": "CHECKPOINT",
	"AlterObjectSchemaStmt": "ALTER SET SCHEMA", "ConstraintsSetStmt": "SET CONSTRAINTS", "AlterTableMoveAllStmt": "ALTER TABLE",
	"AlterTableSpaceOptionsStmt": "ALTER TABLESPACE", "CreatedbStmt": "CREATE DATABASE", "DropdbStmt": "DROP DATABASE",
	"CreateOpClassStmt": "CREATE OPERATOR CLASS", "CreateOpFamilyStmt": "CREATE OPERATOR FAMILY", "SecLabelStmt": "SECURITY LABEL",
	"LockStmt": "LOCK TABLE", "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER", "CreatePolicyStmt": "CREATE POLICY",
}

// objects names what ALTER TABLE's and DROP's trees are used for.
var objects = map[pg_query.ObjectType]string{
	pg_query.ObjectType_OBJECT_TABCONSTRAINT: "CONSTRAINT", pg_query.ObjectType_OBJECT_MATVIEW: "MATERIALIZED VIEW",
	pg_query.ObjectType_OBJECT_FDW: "FOREIGN DATA WRAPPER", pg_query.ObjectType_OBJECT_TSCONFIGURATION: "TEXT SEARCH CONFIGURATION",
}

// Kind names a statement as SQL does, for people: CREATE TABLE, DROP INDEX.
func Kind(tree *pg_query.Node) string {
	switch n := tree.GetNode().(type) {
	case *pg_query.Node_AlterTableStmt:
		return "ALTER " + object(n.AlterTableStmt.GetObjtype())
	case *pg_query.Node_DropStmt:
		return "DROP " + object(n.DropStmt.GetRemoveType())
	case *pg_query.Node_RenameStmt:
		return "ALTER " + renamedObject(n.RenameStmt)
	case *pg_query.Node_TransactionStmt:
		return strings.ReplaceAll(strings.TrimPrefix(n.TransactionStmt.GetKind().String(), "TRANS_STMT_"), "_", " ")
	case *pg_query.Node_GrantStmt:
		if !n.GrantStmt.GetIsGrant() {
			return "REVOKE"
		}
	case *pg_query.Node_VacuumStmt:
		if !n.VacuumStmt.GetIsVacuumcmd() {
			return "ANALYZE"
		}
	}
	return kindOfNode(tree)
}

func object(t pg_query.ObjectType) string {
	if name, ok := objects[t]; ok {
		return name
	}
	return strings.ReplaceAll(strings.TrimPrefix(t.String(), "OBJECT_"), "_", " ")
}

// renamedObject names what a rename alters: a column's rename alters its table.
func renamedObject(n *pg_query.RenameStmt) string {
	switch n.GetRenameType() {
	case pg_query.ObjectType_OBJECT_COLUMN, pg_query.ObjectType_OBJECT_TABCONSTRAINT:
		return object(n.GetRelationType())
	}
	return object(n.GetRenameType())
}

var capital = regexp.MustCompile(`[A-Z]+[a-z]*`)

// kindOfNode makes words of the node's name: CreateExtensionStmt is CREATE
// EXTENSION.
func kindOfNode(tree *pg_query.Node) string {
	field := tree.ProtoReflect().WhichOneof(tree.ProtoReflect().Descriptor().Oneofs().Get(0))
	if field == nil {
		return ""
	}
	name := string(field.Message().Name())
	if kind, ok := kinds[name]; ok {
		return kind
	}
	return strings.ToUpper(strings.Join(capital.FindAllString(strings.TrimSuffix(name, "Stmt"), -1), " "))
}
