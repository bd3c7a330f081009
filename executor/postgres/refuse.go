package postgres

import (
	"regexp"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/shipsql/shipsql/internal/fault"
)

// refuse returns why a statement never runs, whoever asks (execution.md §6.2.7):
// it would end our transaction, drop our lock, forge the ledger, or change what
// is outside of the database. nil: it may run.
func refuse(text string, tree *pg_query.Node) *fault.Error {
	switch {
	case tree.GetTransactionStmt() != nil:
		return refuseTransaction(tree.GetTransactionStmt())
	case tree.GetDiscardStmt() != nil:
		return forbidden("DISCARD", "it may drop the lock that keeps other runs out", "take it out: the session is reset between files")
	case tree.GetAlterSystemStmt() != nil:
		return forbidden("ALTER SYSTEM", "it changes the whole server", "change the server's configuration by hand")
	case tree.GetVariableSetStmt() != nil:
		return refuseSetting(tree.GetVariableSetStmt())
	case tree.GetCopyStmt() != nil && tree.GetCopyStmt().GetFilename() == "":
		return fault.New(fault.Unsupported, "COPY from or to the client is not supported").Then("write the rows as INSERT")
	case suspicious.MatchString(text):
		return refuseMention(text, tree)
	}
	return nil
}

func forbidden(what, why, next string) *fault.Error {
	return fault.New(fault.Denied, "%s never runs from a migration: %s", what, why).Then("%s", next)
}

// refuseTransaction lets BEGIN and COMMIT be: they are looked at in pairs.
func refuseTransaction(t *pg_query.TransactionStmt) *fault.Error {
	switch t.GetKind() {
	case pg_query.TransactionStmtKind_TRANS_STMT_SAVEPOINT, pg_query.TransactionStmtKind_TRANS_STMT_RELEASE,
		pg_query.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		return nil
	case pg_query.TransactionStmtKind_TRANS_STMT_BEGIN, pg_query.TransactionStmtKind_TRANS_STMT_START:
		return refuseReadOnly(t)
	case pg_query.TransactionStmtKind_TRANS_STMT_COMMIT:
		if t.GetChain() {
			return forbidden("COMMIT AND CHAIN", "ShipSQL begins each transaction with the ledger's row", "write COMMIT; BEGIN;")
		}
		return nil
	case pg_query.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		return forbidden("ROLLBACK", "it would take back what the ledger says was done", "take it out together with the statements that it takes back")
	}
	return forbidden("a prepared transaction", "its outcome would not be the ledger's", "take it out")
}

func refuseReadOnly(t *pg_query.TransactionStmt) *fault.Error {
	for _, o := range t.GetOptions() {
		if e := o.GetDefElem(); e.GetDefname() == "transaction_read_only" && e.GetArg().GetAConst().GetIval().GetIval() != 0 {
			return forbidden("BEGIN … READ ONLY", "the ledger's row is written in the same transaction", "take READ ONLY out")
		}
	}
	return nil
}

func refuseSetting(set *pg_query.VariableSetStmt) *fault.Error {
	switch set.GetName() {
	case "session_authorization":
		return forbidden("SET SESSION AUTHORIZATION", "the ledger is written as the login", "use SET ROLE")
	case "standard_conforming_strings":
		return forbidden("SET standard_conforming_strings", "the file would mean something else than what was reviewed", "take it out and use E'…'")
	case "search_path":
		for _, arg := range set.GetArgs() {
			if arg.GetAConst().GetSval().GetSval() == ledgerSchema {
				return refusedLedger
			}
		}
	}
	return nil
}

const ledgerSchema = "shipsql"

var refusedLedger = forbidden("a change of schema shipsql", "it is the ledger of what was applied", "use shipsql migrate baseline, skip or resolve")

// suspicious is in every text that refuseMention would refuse; U& may hide a
// name behind escapes.
var suspicious = regexp.MustCompile(`(?i)shipsql|pg_advisory_unlock|u&`)

// inBody finds the same in the text of a function or DO block, which has no tree.
var inBody = regexp.MustCompile(`(?i)pg_advisory_unlock|"?shipsql"?\s*\.\s*"?(migrations|steps|meta)\b`)

// refuseMention looks closer at a statement that mentions what it must not touch.
func refuseMention(text string, tree *pg_query.Node) *fault.Error {
	if (tree.GetDoStmt() != nil || tree.GetCreateFunctionStmt() != nil) && inBody.MatchString(text) {
		return forbidden("code that unlocks advisory locks or names the ledger's tables", "it could undo what keeps runs apart", "take it out")
	}
	v := visitor{}
	v.visit(tree.ProtoReflect())
	switch {
	case v.unlocks:
		return forbidden("pg_advisory_unlock", "it may drop the lock that keeps other runs out", "use pg_advisory_xact_lock, which needs no unlocking")
	case v.ledger && (tree.GetSelectStmt() == nil || v.writes):
		return refusedLedger
	}
	return nil
}

// visitor walks over a tree.
type visitor struct {
	unlocks bool // calls pg_advisory_unlock…
	ledger  bool // names the ledger's schema
	writes  bool // holds a statement that changes rows
}

// These hold names that are no schema's: a role, a column or its alias, text.
var notNames = map[protoreflect.Name]bool{"RoleSpec": true, "ColumnRef": true, "A_Const": true, "ColumnDef": true, "Alias": true, "DefElem": true}

func (v *visitor) visit(m protoreflect.Message) {
	switch node := m.Interface().(type) {
	case *pg_query.FuncCall:
		for _, part := range node.GetFuncname() {
			v.unlocks = v.unlocks || strings.HasPrefix(part.GetString_().GetSval(), "pg_advisory_unlock")
		}
	case *pg_query.InsertStmt, *pg_query.UpdateStmt, *pg_query.DeleteStmt, *pg_query.MergeStmt, *pg_query.IntoClause:
		v.writes = true
	case *pg_query.RangeVar:
		v.ledger = v.ledger || node.GetSchemaname() == ledgerSchema
		return
	case *pg_query.ResTarget: // its name is a column's
		v.visit(node.GetVal().ProtoReflect())
		return
	}
	if notNames[m.Descriptor().Name()] {
		return
	}
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		v.field(field, value)
		return true
	})
}

func (v *visitor) field(field protoreflect.FieldDescriptor, value protoreflect.Value) {
	switch {
	case field.IsList() && field.Kind() == protoreflect.MessageKind:
		for i := range value.List().Len() {
			v.visit(value.List().Get(i).Message())
		}
	case field.Kind() == protoreflect.MessageKind:
		v.visit(value.Message())
	case field.Kind() == protoreflect.StringKind && !field.IsList() && field.Name() != "comment" && value.String() == ledgerSchema:
		v.ledger = true
	}
}
