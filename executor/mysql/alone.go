package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	driverpkg "github.com/go-sql-driver/mysql"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/ledger"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

// runAlone runs the statement at i between intent and done.
func (f *file) runAlone(ctx context.Context, i int) error {
	known, err := f.announced(ctx, i)
	if err == nil && !known {
		err = f.intend(ctx, i)
	}
	if err != nil {
		return err
	}
	return f.attempt(ctx, i)
}

// intend commits that the statement at i is about to run.
func (f *file) intend(ctx context.Context, i int) error {
	s := &f.statements[i]
	pre, err := f.see(ctx, *s)
	if err != nil {
		return err
	}
	s.before = observation{Text: cut(s.Text), Objects: pre}
	_, err = f.note(ctx, f.intent(i)...)
	if err == nil {
		f.opened()
	}
	return err
}

// attempt runs the statement at i, whose intent was committed a moment ago, when the
// lock was ours: only the session itself can give it up.
func (f *file) attempt(ctx context.Context, i int) error {
	s := f.statements[i]
	f.step(s, executor.EventRunning, 0)
	if ctx.Err() != nil { // it is never sent
		return errors.Join(f.failure(ctx, s, ctx.Err()), f.forget(context.WithoutCancel(ctx), s))
	}
	f.left.leaves(s)
	f.inner = innerTables{}
	touched, err := f.asserted(ctx, s)
	if err != nil {
		err = f.failure(ctx, s, err)
	}
	if err != nil {
		return f.refusedAlone(context.WithoutCancel(ctx), s, err, broken(err))
	}
	return f.ran(ctx, i, touched)
}

// ran records that the statement at i was done, and announces the next one, if there
// is time for it.
func (f *file) ran(ctx context.Context, i int, touched int64) error {
	s, inTime := f.statements[i], ctx.Err() == nil
	ctx = context.WithoutCancel(ctx) // to say what happened isn't cancelled
	if f.left.any {                  // the file may have left a transaction open, or autocommit off
		if _, err := f.ExecContext(ctx, "COMMIT"); err != nil {
			return f.explained(err)
		}
	}
	post, err := f.see(ctx, s)
	if err != nil {
		post = nil // the server said that it is done, which counts more than how it looks
	}
	f.step(s, executor.EventDone, touched)
	var next announcement
	if inTime {
		next = f.announce(ctx, i, post)
	}
	if err := f.done(ctx, s, post, next.intent()...); err != nil {
		return err
	}
	f.knows(next)
	return nil
}

// done completes a step, and with the last one the migration; more is written with
// it.
func (f *file) done(ctx context.Context, s statement, post []object, more ...executor.Query) error {
	for i := range post {
		post[i].Create = "" // its fingerprint is enough
	}
	move := f.move([]statement{s}, observation{Objects: post})
	var changed []int64
	var err error
	if s.n == f.statements[len(f.statements)-1].n {
		changed, err = f.complete(ctx, []executor.Query{move}, more...)
	} else {
		changed, err = f.record(ctx, append([]executor.Query{move}, more...)...)
	}
	if err == nil && changed[0] != 1 {
		return f.tampered(ctx, f.aside)
	}
	return err
}

// complete records the migration's last word, behind what else there is to write,
// and before more. Where the companion's tables refuse, what is before it is written
// all the same.
func (f *file) complete(ctx context.Context, writes []executor.Query, more ...executor.Query) ([]int64, error) {
	companion := f.companion()
	changed, err := f.record(ctx, slices.Concat(writes, f.finished(), companion, more)...)
	answer, refused := errors.AsType[*driverpkg.MySQLError](err)
	if len(companion) == 0 || !refused || disconnected(answer) || contended(err) {
		return changed, err
	}
	_, rest := f.record(ctx, writes...)
	return nil, errors.Join(f.companionError(ctx, answer), rest)
}

// refusedAlone handles an error of a statement that ran alone. Where the database
// shows that nothing is left of it, the ledger forgets the step, so that the file
// may be corrected, or the step tried, again.
func (f *file) refusedAlone(ctx context.Context, s statement, failed error, lost bool) error {
	if lost {
		return failed // the next session finds out what became of it
	}
	now, err := f.see(ctx, s)
	if err != nil {
		return errors.Join(failed, err)
	}
	evidence := leftBehind(s, now, failed)
	if evidence != "" && s.parsed.Kind == syntax.Call {
		if there, err := f.callable(ctx, s); err != nil {
			return errors.Join(failed, err)
		} else if !there {
			evidence = ""
		}
	}
	if evidence != "" {
		return f.ambiguous(ctx, s, evidence)
	}
	if err := f.forget(ctx, s); err != nil {
		return errors.Join(failed, err)
	}
	return failed
}

// callable says that the procedure is there which a statement calls.
func (f *file) callable(ctx context.Context, s statement) (bool, error) {
	c, err := f.beside(ctx)
	if err != nil {
		return true, err
	}
	for _, o := range s.parsed.Objects {
		if o.Use == syntax.Calls {
			_, fingerprint, err := c.show(ctx, o)
			return fingerprint != "", c.explained(err)
		}
	}
	return true, nil
}

// leftBehind says why a statement that the server refused may have had an effect
// all the same; "" when it had none.
func leftBehind(s statement, now []object, failed error) string {
	for i, before := range s.before.Objects {
		if now[i].Print != before.Print {
			return fmt.Sprintf("the database answered %q, and yet %s", failed, now[i])
		}
	}
	if len(now) > 0 || s.parsed.Again || number(failed) == syntaxError && runsNothing.MatchString(s.Text) {
		return ""
	}
	switch s.parsed.Kind {
	case syntax.Grant, syntax.Revoke, syntax.Account, syntax.Server, syntax.Select, syntax.Do:
		return ""
	case syntax.Insert, syntax.Update, syntax.Delete, syntax.Replace, syntax.LoadData:
		if refusedAtOnce(failed) {
			return ""
		}
		return fmt.Sprintf("the database answered %q, and what a transaction doesn't cover may have been changed before that", failed)
	}
	return fmt.Sprintf("the database answered %q, and a %s may have had effects before that", failed, s.parsed.Kind)
}

// syntaxError is ER_PARSE_ERROR. A statement that begins like these runs no SQL
// of others' making, so the error is about its own text, which never ran.
const syntaxError = 1064

var runsNothing = regexp.MustCompile(`(?i)^(create|alter|drop|rename|truncate|grant|revoke|comment|optimize|analyze)\b`)

// refusedAtOnce says that the server refused a change of rows before it did
// anything: a syntax error, something missing, a privilege that lacks.
func refusedAtOnce(err error) bool {
	return slices.Contains([]uint16{1044, 1046, 1049, 1054, 1064, 1136, 1142, 1143, 1146, 1227, 1305, 1318, 1370}, number(err))
}

// ambiguous records that a person must decide.
func (f *file) ambiguous(ctx context.Context, s statement, evidence string) error {
	if _, err := f.record(ctx, f.setState(ledger.Ambiguous)); err != nil {
		return err
	}
	return &executor.AmbiguousError{Version: f.Migration.Version, Path: f.Path(), Statement: s.n, Line: s.Line, Evidence: evidence}
}
