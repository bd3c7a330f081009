package mysql

import (
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/runner"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
)

// plan is a migration that is ready to run.
type plan struct {
	ledger.Decision

	statements []statement     // without a BEGIN … COMMIT wrapper
	total      int             // statements of the text, as Split counts them
	limits     runner.Timeouts // of the file
	separate   bool            // transaction=off: no two statements share a transaction
	online     bool            // ALTER TABLE must not copy
	notes      []string
}

// statement is one statement of a plan.
type statement struct {
	script.Statement

	n       int // 1-based number in the file
	parsed  syntax.Statement
	way     way
	setting bool            // it sets the session: it runs again before the rest of the file
	mixes   bool            // it changes what our own statements mean, too
	reaches bool            // it may run code that others stored: triggers, views, functions
	limits  runner.Timeouts // of this statement only
	before  observation     // what was seen before it ran
}

// way is how a statement runs.
type way int

const (
	alone way = iota // bracketed by intent and done
	rows             // in a transaction with its step, where its tables can
	idle             // it changes nothing but the session: it may run any number of times
)

// plain says that the statement leaves nothing in the session.
func (s statement) plain() bool {
	return s.way != idle && len(s.parsed.Variables) == 0 && (s.parsed.Kind.ChangesRows() || s.parsed.Kind.ChangesSchema())
}

// compiler makes programs for one server.
type compiler struct {
	flavour  syntax.Flavour
	database string
	online   bool            // the run's policy
	stored   map[string]bool // functions that somebody made, in lower case
}

// compile checks the text that is about to run and plans how. The first thing that
// must not run is a *executor.Failure.
func (c compiler) compile(d ledger.Decision) (plan, error) {
	d.Migration.Form.Dialect = script.MySQL // as this engine always reads it
	p := plan{Decision: d, online: c.online, separate: d.Migration.NoTransaction}
	pieces := d.Migration.Form.Split(d.Text())
	p.total = len(pieces)
	p.statements = make([]statement, len(pieces))
	for i, piece := range pieces {
		s := c.statement(piece, i+1)
		if refusal := c.refuse(s); refusal != nil && !p.wraps(i, s) {
			return p, p.refused(s, refusal)
		}
		c.makes(s.parsed)
		p.statements[i] = s.light()
		spool.Passed(piece.Text)
	}
	if err := p.unwrap(); err != nil {
		return p, err
	}
	return p, runner.Direct(&p, p.Decision, pieces)
}

var (
	aboutTemporary = regexp.MustCompile(`(?i)^(create\s+(or\s+replace\s+)?|drop\s+)temporary\s`)
	aboutOurs      = regexp.MustCompile(`(?i)\b(names|character\s+set|charset|character_set_(client|connection)|sql_safe_updates|sql_select_limit)\b`)
	writesFile     = regexp.MustCompile(`(?i)\binto\s+(outfile|dumpfile)\b`)
)

func (c compiler) statement(piece script.Statement, n int) statement {
	parsed := syntax.Parse(piece.Text, c.flavour)
	s := statement{Statement: piece, n: n, parsed: parsed}
	switch parsed.Kind {
	default:
		if aboutTemporary.MatchString(piece.Text) {
			s.way = idle
		}
	case syntax.Insert, syntax.Update, syntax.Delete, syntax.Replace:
		if parsed.Understood && parsed.Refused == "" && len(parsed.Variables) == 0 {
			s.way = rows
		}
	case syntax.Set, syntax.Prepare, syntax.Deallocate, syntax.UseSchema:
		s.way, s.setting = idle, true
		s.mixes = aboutOurs.MatchString(piece.Text)
	case syntax.Select, syntax.Do:
		if !writesFile.MatchString(piece.Text) && !c.callsStored(parsed, piece.Text) {
			s.way = idle
		}
	}
	return s
}

// light keeps of a change of rows only what running it needs: files of rows are
// the large ones.
func (s statement) light() statement {
	if s.way == rows {
		p := s.parsed
		for i, o := range p.Objects { // names are pieces of the whole text
			p.Objects[i].Name = catalog.Name{Schema: strings.Clone(o.Name.Schema), Name: strings.Clone(o.Name.Name)}
		}
		s.parsed = syntax.Statement{Kind: p.Kind, Understood: p.Understood, Objects: p.Objects, Functions: p.Functions}
	}
	return s
}

// callsStored says that a statement calls, or may call, a function that somebody
// made, and so may do anything.
func (c compiler) callsStored(s syntax.Statement, text string) bool {
	if !s.Understood {
		text = strings.ToLower(text)
		for name := range c.stored {
			if strings.Contains(text, name) {
				return true
			}
		}
	}
	return slices.ContainsFunc(s.Functions, func(name string) bool { return c.stored[name] || name == "setval" || name == "nextval" })
}

// refused is the failure of a statement that is never sent.
func (p *plan) refused(s statement, err *fault.Error) error {
	return &executor.Failure{
		Version: p.Migration.Version, Path: p.Path(), Statement: s.n, Line: s.Line,
		Message: err.Message, Hint: err.Next, Code: err.Code, Err: err,
	}
}

// wraps says that a statement may be a part of BEGIN … COMMIT around the whole
// file.
func (p *plan) wraps(i int, s statement) bool {
	if i == 0 {
		return p.total > 1 && s.parsed.Kind == syntax.Begin
	}
	return i == p.total-1 && s.parsed.Kind == syntax.Commit && p.statements[0].parsed.Kind == syntax.Begin
}

// unwrap takes a BEGIN … COMMIT around a whole file of changes of rows off.
func (p *plan) unwrap() error {
	last := len(p.statements) - 1
	if last < 1 || p.statements[0].parsed.Kind != syntax.Begin {
		return nil
	}
	if p.statements[last].parsed.Kind != syntax.Commit {
		return p.refused(p.statements[0], refusedTransaction)
	}
	inside := p.statements[1:last]
	for _, s := range inside {
		if s.way == alone {
			return p.refused(s, fault.New(fault.Invalid, "%s commits by itself, so BEGIN … COMMIT around the file promises what it can't hold", s.parsed.Kind).
				Then("take BEGIN and COMMIT out"))
		}
	}
	p.statements = inside
	p.notes = append(p.notes, "BEGIN … COMMIT around the whole file is left out: its changes of rows and their ledger rows are one transaction anyway")
	return nil
}

// LimitsOf implements runner.Directed.
func (p *plan) LimitsOf(n int) *runner.Timeouts {
	for i := range p.statements {
		if p.statements[i].n == n {
			return &p.statements[i].limits
		}
	}
	return &p.limits
}

// Take implements runner.Directed.
func (p *plan) Take(d script.Directive) bool {
	switch {
	case d.Key == "transaction":
		p.separate = true
	case d.Key == "online" && d.Value == onlineAssert:
		p.online = true
	default:
		return false
	}
	return true
}

// onlineAssert is the policy that refuses what would copy a table.
const onlineAssert = "assert"
