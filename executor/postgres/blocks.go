package postgres

import (
	"fmt"
	"slices"
	"strings"

	pg_query "github.com/pganalyze/pg_query_go/v6"

	"github.com/shipsql/shipsql/internal/fault"
)

// A file that can't be one transaction runs in parts, in the order written: what
// its BEGIN … COMMIT hold together is one, what can't run in a transaction is
// one, and so is each stretch between them. Each commits with its steps.

// Unpaired says why a BEGIN or COMMIT may not stand where it does, nil if it may
// or the statement is neither. open says that a BEGIN before it waits for its
// COMMIT.
func Unpaired(tree *pg_query.Node, open bool) *fault.Error {
	return unpaired(isBegin(tree), isCommit(tree), open)
}

// Unclosed is the error of a BEGIN that no COMMIT follows.
func Unclosed() *fault.Error {
	return fault.New(fault.Denied, "BEGIN without COMMIT").Then("write COMMIT where its transaction ends, or take BEGIN out: ShipSQL runs the file in a transaction anyway")
}

func unpaired(begin, commit, open bool) *fault.Error {
	switch {
	case begin && open:
		return fault.New(fault.Denied, "BEGIN inside of a transaction that the file began before").Then("write COMMIT before it, or take it out")
	case commit && !open:
		return forbidden("COMMIT without BEGIN", "the file and its ledger row are one transaction",
			"take it out, write BEGIN where its transaction begins, or split the file")
	}
	return nil
}

// pair takes BEGIN and COMMIT out of the statements and says which they hold
// together.
func (p *program) pair() error {
	if !slices.ContainsFunc(p.statements, func(s statement) bool { return s.begin || s.commit }) {
		return nil
	}
	var kept, marks []statement
	var opened *statement
	for _, s := range p.statements {
		if refusal := unpaired(s.begin, s.commit, opened != nil); refusal != nil {
			return p.refused(s, refusal)
		}
		switch {
		case s.begin:
			opened = &s
			p.begins, marks = append(p.begins, s.Text), append(marks, s)
			continue
		case s.commit:
			opened, marks = nil, append(marks, s)
			continue
		case opened != nil:
			s.block = len(p.begins)
		}
		s.marks, marks = marks, nil
		kept = append(kept, s)
	}
	if opened != nil {
		return p.refused(*opened, Unclosed())
	}
	p.statements = kept
	if last := len(kept) - 1; last >= 0 && marks != nil {
		kept[last].marks = append(kept[last].marks, marks...)
	}
	return nil
}

// splitBlocks lets a file with blocks run in parts, unless there is but one
// around all that counts.
func (p *program) splitBlocks() error {
	for _, s := range p.statements {
		if s.block > 0 && s.alone != nil {
			return p.refused(s, fault.New(fault.Invalid, "this can't run in a transaction, and stands between BEGIN and COMMIT").
				Then("end the transaction before it: move COMMIT up, or give the statement a file of its own"))
		}
	}
	switch {
	case len(p.begins) == 0:
	case !p.perStep && p.wrapped():
		p.wrapper = p.begins[0]
		p.notes = append(p.notes, "BEGIN … COMMIT around the whole file is left out: the file and its ledger row are one transaction anyway")
	default:
		p.perStep = true
	}
	return nil
}

// wrapped says that only settings are outside of the file's one block.
func (p *program) wrapped() bool {
	return len(p.begins) == 1 && !slices.ContainsFunc(p.statements, func(s statement) bool { return s.block == 0 && !s.setting })
}

// isolate finds what runs alone because the file runs per step: CALL and DO may
// commit inside, so nothing can share their transaction; and a file that wants
// no transaction may have statements that the server refuses in one for some
// tables only.
func (p *program) isolate() {
	perStep := p.perStep || len(p.begins) > 0 && !p.wrapped()
	for i, s := range p.statements {
		if s.alone != nil || s.block > 0 || s.apart == nil {
			continue
		}
		if _, call := s.apart.(opaque); p.separate || perStep && call {
			p.statements[i].alone = s.apart
		}
	}
}

// stretch returns the end of the statements that share a transaction with the
// one at i; with transaction=off those outside of blocks are each on their own.
func (p *program) stretch(i int) int {
	s, end := p.statements[i], i+1
	if s.alone != nil || p.separate && s.block == 0 {
		return end
	}
	for end < len(p.statements) && p.statements[end].alone == nil && p.statements[end].block == s.block && !p.statements[end-1].ends {
		end++
	}
	return end
}

// beginOf is how the transaction of the statement at i begins.
func (p *program) beginOf(i int) string {
	if block := p.statements[i].block; block > 0 {
		return p.begins[block-1]
	}
	return ""
}

// shownParts is how many parts a note names.
const shownParts = 8

// notesOfParts says what commits together.
func (p *program) notesOfParts() {
	if !p.perStep || len(p.statements) == 0 {
		return
	}
	var parts []string
	count := 0
	for i := 0; i < len(p.statements); count++ {
		end := p.stretch(i)
		if count < shownParts {
			parts = append(parts, p.linesOf(i, end))
		}
		i = end
	}
	switch {
	case count == 1:
		return
	case count > shownParts:
		parts = append(parts, fmt.Sprintf("and %d more", count-shownParts))
	}
	p.notes = append(p.notes, fmt.Sprintf("runs as %d parts in the order written, each committed by itself: %s", count, strings.Join(parts, ", ")))
}

func (p *program) linesOf(i, end int) string {
	first, last := p.statements[i].Line, p.statements[end-1].EndLine
	if first == last {
		return fmt.Sprintf("line %d", first)
	}
	return fmt.Sprintf("lines %d–%d", first, last)
}
