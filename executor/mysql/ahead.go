package mysql

import (
	"context"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
)

// announcement is a statement whose intent is written with the end of the one before
// it, as the package's story tells; none when the file is nil.
type announcement struct {
	file *file
	i    int
}

// following is the statement that runs right after the one at i. The catalog can tell
// whether that one ran, and that this one was not sent.
func (f *file) following(i int) announcement {
	next := announcement{f, i + 1}
	if next.i == len(f.statements) {
		next = announcement{f.after, 0}
	}
	if next.file == nil || next.file != f && next.file.Left() != nil || next.i == len(next.file.statements) {
		return announcement{}
	}
	if !f.foretold(f.statements[i]) || !f.foretold(next.file.statements[next.i]) {
		return announcement{}
	}
	return next
}

// foretold says that a statement runs alone and leaves a catalog that can be foreseen.
func (f *file) foretold(s statement) bool {
	_, movable := s.parsed.Rewrite(f.database, scratchPrefix)
	return s.way == alone && movable && !s.parsed.SameText
}

// announce prepares the intent of the statement that follows the one at i, which left
// objects as they were just seen. What can't be looked at is not announced: its turn
// will tell.
func (f *file) announce(ctx context.Context, i int, left []object) announcement {
	next := f.following(i)
	if next.file == nil {
		return next
	}
	s := &next.file.statements[next.i]
	seen, err := f.observe(ctx, s.parsed, left...)
	if err != nil {
		return announcement{}
	}
	s.before = observation{Text: cut(s.Text), Objects: seen}
	return next
}

// intent is what the ledger hears.
func (a announcement) intent() []executor.Query {
	if a.file == nil {
		return nil
	}
	return a.file.intent(a.i)
}

// intent says that the statement at i is about to run.
func (f *file) intent(i int) []executor.Query {
	return append(f.opening(), f.putSteps(ledger.StepIntent, []statement{f.statements[i]}))
}

// knows notes that the ledger heard of the statement.
func (s *session) knows(next announcement) {
	if s.ahead = next; next.file != nil {
		next.file.opened()
	}
}

// announced says that the ledger knows the statement at i to be about to run, and that
// nobody took the database over since. It is said once: from here on it may have run.
func (f *file) announced(ctx context.Context, i int) (bool, error) {
	if f.ahead != (announcement{f, i}) {
		return false, nil
	}
	c, err := f.beside(ctx)
	if err == nil {
		err = f.fence(context.WithoutCancel(ctx), c)
	}
	if err != nil {
		return false, err
	}
	f.ahead = announcement{}
	return true, nil
}

// withdraw takes the intent of a statement back that isn't sent any more. Where that
// fails, the next run finds out that it left no trace.
func (s *session) withdraw(ctx context.Context) {
	if next := s.ahead; next.file != nil {
		s.run.Limits.LockRetryFor = 0
		_ = next.file.forget(ctx, next.file.statements[next.i])
	}
}
