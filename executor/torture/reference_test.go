package torture_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// reference is what the target has to be: its reality before the first statement
// of a story and after each.
type reference []string

// plain is a fresh database where a story is run statement by statement, as by
// somebody who is never interrupted.
type plain struct {
	product product
	url     string
	name    string
	seen    reference
}

// refer runs a story on a plain database. Each file gets a session of its own.
func (p *plain) refer(ctx context.Context, s *story) (reference, error) {
	db, err := p.product.connect(p.url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	if err := p.look(db); err != nil {
		return nil, err
	}
	for _, f := range s.files {
		if err := p.file(ctx, db, s.statements[f.first:f.first+f.count]); err != nil {
			return nil, fmt.Errorf("%s, plainly: %w", f.migration.Path, err)
		}
	}
	return p.seen, p.seen.telling(s)
}

func (p *plain) look(db *sql.DB) error {
	now, err := p.product.reality(db)
	p.seen = append(p.seen, now)
	return err
}

func (p *plain) file(ctx context.Context, beside *sql.DB, statements []statement) error {
	db, err := p.product.connect(p.url)
	if err != nil {
		return err
	}
	defer db.Close()
	session, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer session.Close()
	for _, s := range statements {
		if _, err := session.ExecContext(ctx, strings.ReplaceAll(s.SQL, database, p.name)); err != nil {
			return fmt.Errorf("%s: %w", s.SQL, err)
		}
		if err := p.look(beside); err != nil {
			return err
		}
	}
	return nil
}

// telling makes sure that the reference can tell every statement's effect.
func (r reference) telling(s *story) error {
	for i, statement := range s.statements {
		if same := r[i] == r[i+1]; same != statement.Silent {
			return fmt.Errorf("the effect of %q shows: %t, said to be silent: %t", statement.SQL, !same, statement.Silent)
		}
	}
	return nil
}
