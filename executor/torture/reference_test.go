package torture_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// reference is what the target has to be: its reality before the first statement
// of a story and after each.
type reference []string

// refer runs a story statement by statement in a fresh database of a server, as
// anybody would who is never interrupted. Each file gets a session of its own.
func refer(p product, on server, name string, s story) (reference, error) {
	url := on.URL(name)
	r := make(reference, 0, len(s.statements)+1)
	db, err := p.connect(url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	look := func() error {
		now, err := p.reality(db)
		r = append(r, now)
		return err
	}
	if err := look(); err != nil {
		return nil, err
	}
	for _, f := range s.files {
		if err := referFile(p, url, inDatabase(name, s.statements[f.first:f.first+f.count]), look); err != nil {
			return nil, fmt.Errorf("%s, plainly: %w", f.migration.Path, err)
		}
	}
	return r, r.telling(s)
}

func referFile(p product, url string, statements []statement, look func() error) error {
	db, err := p.connect(url)
	if err != nil {
		return err
	}
	defer db.Close()
	session, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer session.Close()
	for _, statement := range statements {
		if err := plainly(session, statement.SQL); err != nil {
			return fmt.Errorf("%s: %w", statement.SQL, err)
		}
		if err := look(); err != nil {
			return err
		}
	}
	return nil
}

// inDatabase names the database in statements.
func inDatabase(name string, statements []statement) []statement {
	named := slices.Clone(statements)
	for i := range named {
		named[i].SQL = strings.ReplaceAll(named[i].SQL, database, name)
	}
	return named
}

func plainly(session *sql.Conn, statement string) error {
	_, err := session.ExecContext(context.Background(), statement)
	return err
}

// telling makes sure that the reference can tell every statement's effect.
func (r reference) telling(s story) error {
	for i, statement := range s.statements {
		if same := r[i] == r[i+1]; same != statement.Silent {
			return fmt.Errorf("the effect of %q shows: %t, said to be silent: %t", statement.SQL, !same, statement.Silent)
		}
	}
	return nil
}
