package postgres

import (
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	executor "github.com/shipsql/shipsql/executor/postgres"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/reviewer/finding"
)

// Rules about whether a statement can be read and run at all.

var refusedStatement = rule{Rule: finding.Rule{
	ID:       "refused-statement",
	Meaning:  "ShipSQL never runs this statement from a migration",
	Category: "correctness", Severity: finding.Error, Firm: true, Final: true,
	Why: "It would end the transaction that holds the migration and its ledger row, drop the lock that keeps other runs out, forge the ledger, " +
		"or change what lies outside of the database. The executor refuses the whole file.",
	Remedy: "Take the statement out. BEGIN … COMMIT pairs are kept: what they hold together commits as one.",
}}

var syntaxError = rule{Rule: finding.Rule{
	ID:       "syntax-error",
	Meaning:  "PostgreSQL's grammar refuses the statement",
	Category: "correctness", Severity: finding.Error, Firm: true,
	Why:    "The statement is read with PostgreSQL 17's own grammar. What that refuses fails when it is applied, and nobody looked at what it does.",
	Remedy: "Correct the statement at the place given.",
}}

var notAnalysed = rule{Rule: finding.Rule{
	ID:       "not-analysed",
	Meaning:  "The statement was not looked at",
	Category: "correctness", Severity: finding.Error, Firm: true,
	Why:    "The statement is too large or nested too deep for the parser, or the parser failed on it, so no rule has seen it: unknown is never success.",
	Remedy: "Split the statement into smaller ones, or have it waived by someone who looked at it.",
}}

// structure judges a statement's place in its file and whether it can be read,
// and follows BEGIN and COMMIT.
func (a *Analysis) structure(st script.Statement, parsed syntax.Parsed) []Hit {
	refusal := executor.Refusal(st, parsed)
	if refusal == nil {
		refusal = executor.Unpaired(parsed.Tree, a.file.inBlock())
	}
	t := parsed.Tree.GetTransactionStmt()
	switch {
	case refusal != nil:
		return []Hit{refused(refusal)}
	case opens(t):
		return []Hit{a.file.unclosed()}
	case t.GetKind() == pg_query.TransactionStmtKind_TRANS_STMT_COMMIT:
		a.file.close()
		return nil
	case parsed.Err == nil:
		return nil
	case parsed.Err.Reason == syntax.Syntax:
		return []Hit{{Rule: &syntaxError.Rule, Severity: finding.Error, Message: parsed.Err.Message, Offset: max(parsed.Err.Offset, 0),
			Fix: "Correct the statement."}}
	}
	return []Hit{{Rule: &notAnalysed.Rule, Severity: finding.Error, Message: "Not analysed: " + parsed.Err.Message,
		Fix: "Split the statement into smaller ones."}}
}

func opens(t *pg_query.TransactionStmt) bool {
	return t.GetKind() == pg_query.TransactionStmtKind_TRANS_STMT_BEGIN || t.GetKind() == pg_query.TransactionStmtKind_TRANS_STMT_START
}

func refused(why *fault.Error) Hit {
	return Hit{Rule: &refusedStatement.Rule, Severity: finding.Error, Message: why.Message, Fix: why.Next}
}

// inBlock says that a BEGIN of the file waits for its COMMIT.
func (f *file) inBlock() bool { return f.begin != nil && f.begin.open }

// unclosed opens a block, and is the hit unless it is closed.
func (f *file) unclosed() Hit {
	b := &block{open: true}
	f.begin = b
	h := refused(executor.Unclosed())
	h.Confirm = func() bool { return b.open }
	return h
}

func (f *file) close() { f.begin.open = false }

// firstWords names a statement that has no tree by its first words.
func firstWords(sql string) string {
	if len(sql) > 200 {
		sql = strings.ToValidUTF8(sql[:200], "")
	}
	var found []string
	for _, t := range syntax.Lex(sql) {
		if t.Kind != syntax.Word || len(found) == 2 {
			break
		}
		found = append(found, strings.ToUpper(sql[t.Start:t.End]))
	}
	return strings.Join(found, " ")
}
