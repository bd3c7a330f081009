package mysql

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

// foresee says what a statement makes of what was there before it: the very
// statement is replayed in a scratch schema on the same server, where the objects
// are made anew from what was observed. This needs not be done before a statement
// runs: nearly all outcomes are known anyway, and what was observed is kept.
//
// The replay is only tried where every name was understood and moved to the
// scratch schema. nil: nothing is foreseen; why tells the reason.
func (f *file) foresee(ctx context.Context, i int) (foreseen []object, why string, err error) {
	s := f.statements[i]
	if foreseen := dropped(s); foreseen != nil {
		return foreseen, "", nil
	}
	foreseen, why, err = f.replay(ctx, i)
	if foreseen == nil && err == nil && creates(s) {
		return f.appears(ctx, s, why)
	}
	return foreseen, why, err
}

// dropped foresees that what is dropped is gone; nil for other statements.
func dropped(s statement) []object {
	named := 0
	for _, o := range s.parsed.Objects {
		if changes(o) && o.Use != syntax.Drops {
			return nil
		}
		if o.Use == syntax.Drops {
			named++
		}
	}
	if named == 0 || !s.parsed.Understood || s.parsed.SameText {
		return nil
	}
	gone := make([]object, len(s.before.Objects))
	for i, o := range s.before.Objects {
		gone[i] = object{Kind: o.Kind, Schema: o.Schema, Name: o.Name}
	}
	return gone
}

// creates says that a statement makes one thing that was absent.
func creates(s statement) bool {
	before := s.before.Objects
	if len(before) != 1 || before[0].Print != "" {
		return false
	}
	for _, o := range s.parsed.Objects {
		if o.Use == syntax.Creates && o.Name.Name == before[0].Name {
			return true
		}
	}
	return false
}

// appears foresees no more than that what is made will be there: enough to know
// that a statement did not run, too little to know that it did.
func (f *file) appears(ctx context.Context, s statement, why string) ([]object, string, error) {
	now, err := f.see(ctx, s)
	if err != nil || now[0].Print != "" {
		return nil, why, err
	}
	made := now[0]
	made.Print = "something"
	return []object{made}, "", nil
}

// unforeseen says why a replay told nothing.
func unforeseen(err error) string {
	if n := number(err); n == 1044 || n == 1227 {
		return "what it makes of them can't be foreseen, because the login may not make a scratch schema; " +
			"GRANT ALL ON `shipsql\\_scratch\\_%`.* to it, and the next time that can be told"
	}
	return "replaying it in a scratch schema failed: " + err.Error()
}

// scratchOf begins the names of a database's scratch schemas, which only the
// holder of its lock makes.
func scratchOf(database string) string {
	sum := sha256.Sum256([]byte(lockName(database)))
	return scratchPrefix + hex.EncodeToString(sum[:4]) + "_"
}

// replay runs a statement in a schema of its own. Only errors of our connections
// are errors; when the server takes exception, nothing is foreseen.
func (f *file) replay(ctx context.Context, i int) (foreseen []object, why string, err error) {
	s := f.statements[i]
	name := scratchOf(f.database) + strings.ToLower(rand.Text()[:16])
	moved, ok := s.parsed.Rewrite(f.database, name)
	if !ok {
		return nil, "what it makes of them can't be foreseen", nil
	}
	c, err := f.beside(ctx)
	if err != nil {
		return nil, "", err
	}
	defer func() {
		if foreseen == nil && broken(err) {
			err = c.explained(err)
			return
		}
		if err != nil {
			foreseen, why, err = nil, unforeseen(err), nil
		}
	}()
	if err := c.scratch(ctx, f.database, name); err != nil {
		return nil, "", err
	}
	defer func() {
		_, dropErr := c.ExecContext(context.WithoutCancel(ctx), "DROP DATABASE "+quoted(name))
		err = errors.Join(err, dropErr)
	}()
	r := replayed{file: f, from: c, scratch: name}
	if err := r.furnish(ctx, s); err != nil {
		return nil, "", err
	}
	return r.run(ctx, i, moved)
}

// scratch makes an empty schema with the database's character set, and removes
// those that outlived whoever made them.
func (c *connection) scratch(ctx context.Context, like, name string) error {
	var left []string
	err := c.each(ctx, func(scan func(...any) error) error {
		var orphan string
		err := scan(&orphan)
		left = append(left, orphan)
		return err
	}, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE LEFT(SCHEMA_NAME, ?) = ?", len(scratchOf(like)), scratchOf(like))
	if err != nil {
		return err
	}
	for _, orphan := range left {
		if _, err := c.ExecContext(ctx, "DROP DATABASE "+quoted(orphan)); err != nil {
			return err
		}
	}
	var charset, collation string
	err = c.QueryRowContext(ctx, "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", like).
		Scan(&charset, &collation)
	if err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, "CREATE DATABASE "+quoted(name)+" CHARACTER SET "+charset+" COLLATE "+collation)
	return err
}

// replayed is a scratch schema in use.
type replayed struct {
	*file

	from    *connection // sees the database
	scratch string
}

// furnish makes the objects as they were, and the neighbours that the statement
// reads as they are.
func (r replayed) furnish(ctx context.Context, s statement) error {
	texts := []string{}
	for _, o := range s.before.Objects {
		if o.Print != "" {
			texts = append(texts, o.Create)
		}
	}
	for _, o := range s.parsed.Objects {
		itself := slices.ContainsFunc(s.before.Objects, func(b object) bool { return b.Kind == o.Kind && b.Name == o.Name.Name })
		if o.Use != syntax.Reads || itself { // a foreign key may point to its own table
			continue
		}
		create, _, err := r.from.show(ctx, o)
		if err != nil {
			return err
		}
		if create != "" {
			texts = append(texts, create)
		}
	}
	return r.make(ctx, texts)
}

// make makes objects of the database in the scratch schema. What was once taken
// may be against today's sql_mode.
func (r replayed) make(ctx context.Context, texts []string) error {
	c, err := r.target.neutral(ctx, program(r.file.run.Task)+"/replay")
	if err != nil {
		return err
	}
	defer c.close()
	if _, err := c.ExecContext(ctx, "SET sql_mode = 'NO_ENGINE_SUBSTITUTION'"); err != nil {
		return err
	}
	for _, text := range texts {
		moved, ok := syntax.Parse(text, r.facts.flavour()).Rewrite(r.database, r.scratch)
		if !ok {
			return errors.New("an object that it names reaches beyond the database")
		}
		if _, err := c.ExecContext(ctx, moved); err != nil {
			return err
		}
	}
	return nil
}

// run replays the statement with the file's settings and looks at the result. What
// was made anew must look as it did, or nothing is proven.
func (r replayed) run(ctx context.Context, i int, moved string) ([]object, string, error) {
	s := r.statements[i]
	before, err := r.look(ctx, s)
	if err != nil {
		return nil, "", err
	}
	if !samePrints(before, s.before.Objects) {
		return nil, "the objects can't be made anew as they were", nil
	}
	c, err := r.target.connect(ctx, program(r.file.run.Task)+"/replay")
	if err != nil {
		return nil, "", err
	}
	defer c.close()
	statements := []string{"SET NAMES utf8mb4"}
	for _, set := range r.statements[:i] {
		if set.setting && set.parsed.Kind == syntax.Set && constant(set) {
			statements = append(statements, set.Text)
		}
	}
	for _, text := range append(statements, "SET foreign_key_checks = 0", moved) {
		if _, err := c.ExecContext(ctx, text); err != nil {
			return nil, "", err
		}
	}
	foreseen, err := r.look(ctx, s)
	return foreseen, "", err
}

// look sees the statement's objects as they are in the scratch schema.
func (r replayed) look(ctx context.Context, s statement) ([]object, error) {
	named := changed(s.parsed)
	for i := range named {
		named[i].Name.Schema = r.scratch
	}
	return r.from.look(ctx, named)
}
