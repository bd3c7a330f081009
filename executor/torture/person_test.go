package torture_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// answer settles what the engine can't prove, as a person does who looks at the
// database. Nobody else touches the target meanwhile: the others get the same
// question, and are answered here, one after the other.
func (g *game) answer(ctx context.Context, question *executor.AmbiguousError) error {
	g.calm.Lock()
	defer g.calm.Unlock()
	db, err := g.product.connect(g.server.URL(g.target))
	if err != nil {
		return err
	}
	defer db.Close()
	if asked, err := g.asked(ctx, db, question.Version); err != nil || !asked {
		return err // another worker's question was the same, and is settled
	}
	at, ok := g.story.at(question.Version, question.Statement)
	if !ok {
		return fmt.Errorf("there is no such statement: %w", question)
	}
	s := g.story.statements[at]
	if !s.Doubtful { // it is settled all the same: the rest of the round has more to tell
		g.blame(fmt.Errorf("%q must never be ambiguous: %w", s.SQL, question))
	}
	what, err := g.settle(ctx, db, at)
	if err != nil {
		return err
	}
	g.tally.add("ambiguous "+s.Kind+", "+what.figure, 1)
	g.history.note("AMBIGUOUS %s, %s: %s", question.Step(), what.figure, question.Evidence)
	return g.resolve(ctx, executor.Resolution{Version: question.Version, N: question.Statement, Answer: what.answer})
}

func (g *game) asked(ctx context.Context, db *sql.DB, version string) (bool, error) {
	rows, err := g.rows(ctx, db)
	for _, r := range rows {
		if r.version == version && r.state == string(executor.StateAmbiguous) {
			return true, err
		}
	}
	return false, err
}

// settled is what a person found, and says.
type settlement struct {
	answer executor.Answer
	figure string
}

// settle looks at the statement's effect, and completes it where it was cut in
// its middle.
func (g *game) settle(ctx context.Context, db *sql.DB, at int) (settlement, error) {
	now, err := g.product.reality(db)
	switch {
	case err != nil:
		return settlement{}, err
	case now == g.reference[at+1]:
		return settlement{executor.ResolvedApplied, "it took effect"}, nil
	case now == g.reference[at]:
		return settlement{executor.ResolvedRetry, "it did not take effect"}, nil
	}
	s := g.story.statements[at]
	begun, err := partsDone(ctx, db, s)
	if err != nil {
		return settlement{}, err
	}
	if begun == 0 {
		return settlement{}, fmt.Errorf("%q is in doubt, and the target is neither as before nor as after it (+ is the target):\n%s", s.SQL, difference(g.reference[at], now))
	}
	for _, effect := range s.Parts[begun:] {
		if _, err := db.ExecContext(ctx, effect.SQL); err != nil {
			return settlement{}, err
		}
	}
	if now, err = g.product.reality(db); err == nil && now != g.reference[at+1] {
		err = fmt.Errorf("completed by hand, %q differs (+ is the target):\n%s", s.SQL, difference(g.reference[at+1], now))
	}
	return settlement{executor.ResolvedApplied, "completed by hand"}, err
}

// resolve gives the answer through the wire that is being cut. An answer may
// have arrived although the connection broke: then it is a conflict.
func (g *game) resolve(ctx context.Context, r executor.Resolution) error {
	target := g.product.open(g.through(g.wire))
	sent := false
	for ctx.Err() == nil {
		err := target.Resolve(ctx, r, executor.Mark{Actor: "ann", Reason: "looked", Limits: limits})
		switch code := fault.CodeOf(err); {
		case err == nil:
			return nil
		case code == fault.Conflict && sent:
			return nil
		case code != fault.Unreachable && code != fault.LockTimeout:
			return errors.Join(fmt.Errorf("resolve %+v", r), err)
		}
		sent = true
	}
	return context.Cause(ctx)
}
