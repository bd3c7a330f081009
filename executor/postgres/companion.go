package postgres

import (
	"context"

	"github.com/shipsql/shipsql/internal/fault"
)

// accompany makes the other tool's table where it is missing, once per session.
func (s *session) accompany(ctx context.Context) error {
	if s.run.Companion == nil || s.accompanied {
		return nil
	}
	for _, q := range s.run.Companion.Prepare() {
		if _, err := s.Exec(ctx, q.SQL, q.Args...); err != nil {
			return s.lost(companionError(err))
		}
	}
	s.accompanied = true
	return nil
}

// companion writes the other tool's history.
func (f file) companion() (all []statement) {
	if f.run.Companion == nil {
		return nil
	}
	queries := f.run.Companion.Record(f.Migration)
	if f.Undoing() {
		queries = f.run.Companion.Undo(f.Migration)
	}
	for _, q := range queries {
		s := own(q.SQL, q.Args...)
		s.own.means = companionError
		all = append(all, s)
	}
	return all
}

// companionError says whose statement it was that failed.
func companionError(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.SQLError, "the other tool's history can't be written").Because(err).
		Then("look at its table, or turn its history off")
}
