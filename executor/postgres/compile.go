package postgres

import (
	"context"
	"regexp"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/postgres/syntax"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
)

// program is a migration that is ready to run.
type program struct {
	ledger.Decision

	statements []statement     // without BEGIN and COMMIT
	total      int             // statements of the text, as Split counts them
	begins     []string        // by block: the BEGIN … of the file
	wrapper    string          // the file's own BEGIN around all of it; "": none
	limits     runner.Timeouts // of the file
	perStep    bool            // it can't be one transaction: the ledger counts steps
	plain      bool            // it leaves nothing in the session
	separate   bool            // transaction=off: no two statements share a transaction, but for blocks
	notes      []string
}

// statement is one statement of a program.
type statement struct {
	script.Statement
	traits

	n      int             // 1-based number in the file
	block  int             // 1-based number of the file's BEGIN … COMMIT around it; 0: none
	marks  []statement     // BEGIN and COMMIT before it, or at the file's end: they count as steps done with it
	ends   bool            // its transaction ends behind it
	limits runner.Timeouts // of this statement only

	own *owned // nil: it is the file's
}

// owned is what a statement of ours has beside its text.
type owned struct {
	args    []any
	means   func(error) error // what its errors mean; nil: what those of our statements usually do
	closing bool              // it ends the transaction
}

// traits are what a tree says about running its statement; the tree itself is
// dropped.
type traits struct {
	refusal *fault.Error // why it never runs; nil: it may
	alone   alone        // how to run it outside of a transaction; nil: it needs none of that
	apart   alone        // likewise, when the file asks for no transaction; nil: a transaction of its own
	begin   bool         // it begins a block
	commit  bool         // it ends one
	setting bool         // it sets the session: it runs again before the rest of the file
	plain   bool         // it leaves nothing in the session
	adds    enumValue    // the value that it adds to a type

	temporary string // the name of the temporary table that it makes; "": none
}

// parseBatch is how many bytes of statements are parsed at once; their trees are
// dropped before the next batch.
const parseBatch = 1 << 20

// compiler makes programs for one server version.
type compiler struct {
	parser  *syntax.Parser
	version int // server_version_num
}

// compile checks the files that are about to run and plans how. The first thing
// that must not run is a *executor.Failure, before anything of any file ran.
func (c compiler) compile(ctx context.Context, decisions []ledger.Decision) ([]program, error) {
	programs := make([]program, len(decisions))
	var all []*statement
	for i, d := range decisions {
		programs[i].Decision = d
		if d.Verdict != ledger.Apply && d.Verdict != ledger.Undo {
			continue
		}
		programs[i].takeApart()
		for n := range programs[i].statements {
			all = append(all, &programs[i].statements[n])
		}
	}
	if err := c.inspect(ctx, all); err != nil {
		return nil, err
	}
	for i := range programs {
		if err := programs[i].assemble(); err != nil {
			return nil, err
		}
	}
	return programs, nil
}

// inspect fills in the traits, batch by batch.
func (c compiler) inspect(ctx context.Context, statements []*statement) error {
	for len(statements) > 0 {
		var texts []string
		for size := 0; len(texts) < len(statements) && size < parseBatch; {
			texts = append(texts, statements[len(texts)].Text)
			size += len(texts[len(texts)-1])
		}
		parsed, err := c.parser.Parse(ctx, texts)
		if err != nil {
			return err
		}
		for i, p := range parsed {
			statements[i].traits = c.traits(statements[i].Statement, p)
			spool.Passed(texts[i])
		}
		statements = statements[len(parsed):]
	}
	return nil
}

func (c compiler) traits(s script.Statement, parsed syntax.Parsed) traits {
	tree := parsed.Tree
	t := traits{
		refusal: admissible(s, parsed), alone: standsAlone(s.Text, tree, c.version), apart: standsApart(tree),
		begin: isBegin(tree), commit: isCommit(tree), setting: isSetting(tree), plain: isPlain(tree), adds: addedValue(tree),
		temporary: temporary(tree),
	}
	if t.refusal == nil {
		t.refusal = refuse(s.Text, tree)
	}
	return t
}

// takeApart splits the text that is to run.
func (p *program) takeApart() {
	pieces := p.Migration.Form.Split(p.Text())
	p.statements = make([]statement, len(pieces))
	for i, piece := range pieces {
		p.statements[i] = statement{Statement: piece, n: i + 1}
	}
	p.total = len(p.statements)
	p.perStep, p.separate = p.Migration.NoTransaction, p.Migration.NoTransaction
}

// assemble decides how the file runs.
func (p *program) assemble() error {
	p.plain = true
	for _, s := range p.statements {
		if s.refusal != nil {
			return p.refused(s, s.refusal)
		}
		p.plain = p.plain && (s.plain || s.begin || s.commit)
		p.perStep = p.perStep || s.alone != nil
	}
	if err := p.pair(); err != nil {
		return err
	}
	if err := p.direct(); err != nil {
		return err
	}
	p.isolate()
	if err := p.splitBlocks(); err != nil {
		return err
	}
	if err := p.splitEnums(); err != nil {
		return err
	}
	p.notesOfParts()
	return p.partTemporary()
}

// admissible refuses what can't be sent or looked at.
func admissible(s script.Statement, parsed syntax.Parsed) *fault.Error {
	switch {
	case s.Kind == script.Psql:
		command, _, _ := strings.Cut(s.Text, " ")
		return fault.New(fault.Unsupported, "%s is a command of psql, not SQL", command).Then("take it out")
	case s.Kind == script.CopyIn:
		return fault.New(fault.Unsupported, "COPY … FROM STDIN with data in the file is not supported").Then("write the rows as INSERT")
	case parsed.Err == nil:
		return nil
	case parsed.Err.Reason == syntax.Syntax:
		return fault.New(fault.SQLError, "%s", parsed.Err.Message).Because(parsed.Err)
	case plainInsert.MatchString(s.Text) && !suspicious.MatchString(s.Text):
		return nil
	}
	return fault.New(fault.Unsupported, "the statement can't be checked: %s", parsed.Err.Message).Because(parsed.Err).Then("split it into smaller ones")
}

// A very large INSERT of plain rows is common and harmless, so it runs although
// the parser gave up on it, unless it mentions what we refuse.
var plainInsert = regexp.MustCompile(`(?i)^insert\s+into\s`)

// refused is the failure of a statement that is never sent.
func (p *program) refused(s statement, err *fault.Error) error {
	line := s.Line
	if cause, ok := err.Err.(*syntax.Error); ok && cause.Offset >= 0 { //nolint:errorlint // set above, never wrapped
		line, _ = script.Position(p.Text(), s.Start+cause.Offset)
	}
	return &executor.Failure{
		Version: p.Migration.Version, Path: p.Path(), Statement: s.n, Line: line,
		Message: err.Message, Hint: err.Next, Code: err.Code, Err: err,
	}
}

func isBegin(tree *pg_query.Node) bool {
	kind := tree.GetTransactionStmt().GetKind()
	return kind == pg_query.TransactionStmtKind_TRANS_STMT_BEGIN || kind == pg_query.TransactionStmtKind_TRANS_STMT_START
}

func isCommit(tree *pg_query.Node) bool {
	t := tree.GetTransactionStmt()
	return t.GetKind() == pg_query.TransactionStmtKind_TRANS_STMT_COMMIT && !t.GetChain()
}

// isSetting says that a statement changes the session beyond its transaction.
func isSetting(tree *pg_query.Node) bool {
	set := tree.GetVariableSetStmt()
	return set != nil && !set.GetIsLocal() && set.GetKind() != pg_query.VariableSetKind_VAR_SET_MULTI
}

// direct applies the file's directives.
func (p *program) direct() error {
	if !spool.Contains(p.Text(), "shipsql:") {
		return nil
	}
	return runner.Direct(p, p.Decision, p.Migration.Form.Split(p.Text()))
}

// LimitsOf implements runner.Directed.
func (p *program) LimitsOf(n int) *runner.Timeouts {
	for i := range p.statements {
		if p.statements[i].n == n {
			return &p.statements[i].limits
		}
	}
	return &p.limits
}

// Take implements runner.Directed.
func (p *program) Take(d script.Directive) bool {
	if d.Key != "transaction" {
		return false
	}
	p.perStep, p.separate = true, true
	return true
}
