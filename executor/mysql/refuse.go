package mysql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// refuse returns why a statement never runs, whoever asks (execution.md §6.4.1):
// it would end our transaction, drop our lock, forge the ledger, or change what
// is outside of the database. nil: it may run.
func (c compiler) refuse(s statement) *fault.Error {
	if s.Kind != script.SQL {
		command, _, _ := strings.Cut(s.Text, " ")
		return fault.New(fault.Unsupported, "%s is a command of the mysql client, not SQL", command).Then("take it out")
	}
	if refusal := c.refuseKind(s); refusal != nil {
		return refusal
	}
	switch {
	case s.parsed.WritesLedger():
		return forbidden("a change of ShipSQL's own tables", "they are the ledger of what was applied", "use shipsql migrate baseline, skip or resolve")
	case slices.ContainsFunc(s.parsed.Functions, unlocks), inBody.MatchString(s.Text):
		return forbidden("RELEASE_LOCK", "it may drop the lock that keeps other runs out", "take it out")
	case ourLock.MatchString(s.Text):
		return forbidden("GET_LOCK of ShipSQL's lock", "it is what keeps other runs out", "use another name")
	}
	return nil
}

func forbidden(what, why, next string) *fault.Error {
	return fault.New(fault.Denied, "%s never runs from a migration: %s", what, why).Then("%s", next)
}

func unlocks(function string) bool {
	return function == "release_lock" || function == "release_all_locks"
}

var (
	// inBody finds in the text of a routine, and in text that is to be executed,
	// what can't be seen as a call.
	inBody  = regexp.MustCompile("(?i)\\brelease_(lock|all_locks)`?\\s*\\(")
	ourLock = regexp.MustCompile(`(?i)\bget_lock\s*\(\s*['"]` + lockPrefix)

	harmlessFlush = regexp.MustCompile(`(?i)^flush\s+((no_write_to_binlog|local)\s+)?(privileges|status|user_resources|optimizer_costs|table|tables)\b`)
	locksTables   = regexp.MustCompile(`(?i)\b(with\s+read\s+lock|for\s+export)\b`)
	readsOurFile  = regexp.MustCompile(`(?i)^load\s+(data|xml)\s+((low_priority|concurrent)\s+)?local\b`)
	setsRole      = regexp.MustCompile(`(?i)^set\s+role\b`)
)

var refusedTransaction = forbidden("transaction control in the middle of a file", "changes of rows and their ledger rows are one transaction",
	"take BEGIN, COMMIT and ROLLBACK out, or split the file")

func (c compiler) refuseKind(s statement) *fault.Error {
	switch s.parsed.Kind {
	case syntax.Begin, syntax.Commit, syntax.Rollback, syntax.Savepoint:
		return refusedTransaction
	case syntax.XA:
		return forbidden("an XA transaction", "its outcome would not be the ledger's", "take it out")
	case syntax.LockTables, syntax.UnlockTables:
		return forbidden(string(s.parsed.Kind), "the ledger's own tables could not be written", "take it out: the database's lock keeps other runs out")
	case syntax.Kill:
		return forbidden("KILL", "it could end the session that has the lock", "take it out")
	case syntax.UseSchema:
		return c.refuseUse(s)
	case syntax.Set:
		return refuseSet(s.parsed)
	case syntax.Account:
		if setsRole.MatchString(s.Text) {
			return forbidden("SET ROLE", "the ledger is written as the login", "grant the login what the file needs")
		}
	case syntax.Server:
		if !harmlessFlush.MatchString(s.Text) || locksTables.MatchString(s.Text) {
			return forbidden("what concerns the whole server", "it reaches beyond the database", "do it by hand, with the server's administrator")
		}
	case syntax.LoadData:
		if readsOurFile.MatchString(s.Text) {
			return fault.New(fault.Unsupported, "LOAD DATA LOCAL is not supported: it reads files of the machine that ShipSQL runs on").Then("write the rows as INSERT")
		}
	default:
	}
	return nil
}

// refuseUse lets a file name the database that it is for; "" is not known yet.
func (c compiler) refuseUse(s statement) *fault.Error {
	if c.database == "" || len(s.parsed.Objects) == 1 && s.parsed.Objects[0].Name.Name == c.database {
		return nil
	}
	return forbidden("USE of another database", "the file would change what it was not reviewed for", "give that database a project of its own, or write schema.table")
}

func refuseSet(s syntax.Statement) *fault.Error {
	for _, v := range s.Variables {
		switch {
		case v.Scope == syntax.Global:
			return forbidden("SET GLOBAL", "it changes the whole server", "change the server's configuration by hand")
		case v.Scope == syntax.Session && (v.Name == "autocommit" || v.Name == "completion_type"):
			return forbidden("SET "+v.Name, "each statement and its ledger row are committed together", "take it out")
		}
	}
	return nil
}
