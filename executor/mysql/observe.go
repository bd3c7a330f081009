package mysql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/runner"
)

// observation is what was seen before or after a statement ran, as the ledger
// keeps it. What the objects looked like before is kept whole: from it a later
// run can foresee what the statement would have made of them.
type observation struct {
	Rows    bool     `json:"rows,omitempty"` // the step shares its transaction: nothing else need be seen
	Text    string   `json:"text,omitempty"` // of the statement, at most keptText bytes: for the diff, should it be edited
	Objects []object `json:"objects,omitempty"`
}

// keptText bounds what is kept of a statement's text.
const keptText = 2000

// object is one thing that a statement changes.
type object struct {
	Kind   syntax.ObjectKind `json:"kind"`
	Schema string            `json:"schema,omitempty"` // "" for the database's own
	Name   string            `json:"name"`
	Print  string            `json:"print,omitempty"`  // fingerprint of what SHOW CREATE shows; "" when it is absent
	Create string            `json:"create,omitempty"` // that text
}

// is says that both are about one thing.
func (o object) is(other object) bool {
	return o.Kind == other.Kind && o.Schema == other.Schema && o.Name == other.Name
}

// bytes is the observation as the ledger stores it; nil when there is nothing.
func (o observation) bytes() []byte {
	if !o.Rows && o.Text == "" && o.Objects == nil {
		return nil
	}
	b, err := json.Marshal(o)
	if err != nil { // can't be: it holds text
		return nil
	}
	return b
}

func parseObservation(text string) (o observation, err error) {
	if text == "" {
		return o, nil
	}
	err = json.Unmarshal([]byte(text), &o)
	return o, err
}

// cut keeps the beginning of a statement.
func cut(text string) string {
	if len(text) <= keptText {
		return text
	}
	return strings.ToValidUTF8(text[:keptText], "") + " …"
}

// String tells what is there, for people.
func (o object) String() string {
	name := o.Name
	if o.Schema != "" {
		name = o.Schema + "." + name
	}
	state := "absent"
	if o.Print != "" {
		state = fmt.Sprintf("present (%.12s)", o.Print)
	}
	return fmt.Sprintf("%s %s is %s", o.Kind, name, state)
}

// changes says that a statement changes what SHOW CREATE shows of an object.
func changes(o syntax.Object) bool {
	switch o.Use {
	case syntax.Creates, syntax.Alters, syntax.Drops, syntax.RenameFrom, syntax.RenameTo:
		return true
	}
	return false
}

// changed are the objects that a statement changes, each once.
func changed(parsed syntax.Statement) []syntax.Object {
	var named []syntax.Object
	for _, o := range parsed.Objects {
		if changes(o) && !slices.ContainsFunc(named, func(n syntax.Object) bool { return n.Kind == o.Kind && n.Name == o.Name }) {
			named = append(named, o)
		}
	}
	return named
}

// see looks at the objects that a statement of the file changes.
func (f *file) see(ctx context.Context, s statement) ([]object, error) {
	objects, err := f.observe(ctx, s.parsed)
	if denied(err) {
		return nil, f.failure(ctx, s, err)
	}
	return objects, err
}

// observe looks at the objects that a statement changes, through the second
// connection, but for those that were seen a moment ago.
func (s *session) observe(ctx context.Context, parsed syntax.Statement, known ...object) ([]object, error) {
	named := changed(parsed)
	if len(named) == 0 {
		return nil, nil
	}
	c, err := s.beside(ctx)
	if err != nil {
		return nil, err
	}
	objects, err := c.look(ctx, named, known...)
	if _, lost := errors.AsType[*runner.Lost](err); lost {
		c.close()
		s.aside = nil // the next look takes another
	}
	return objects, err
}

// look reads the SHOW CREATE text of objects, but for known ones.
func (c *connection) look(ctx context.Context, named []syntax.Object, known ...object) ([]object, error) {
	objects := make([]object, 0, len(named))
	for _, o := range named {
		seen := object{Kind: o.Kind, Schema: o.Name.Schema, Name: o.Name.Name}
		if seen.Schema == c.database {
			seen.Schema = ""
		}
		if i := slices.IndexFunc(known, seen.is); i >= 0 {
			objects = append(objects, known[i])
			continue
		}
		var err error
		if seen.Create, seen.Print, err = c.show(ctx, o); denied(err) {
			return nil, err // the ledger has no part in it
		} else if err != nil {
			return nil, c.explained(err)
		}
		objects = append(objects, seen)
	}
	return objects, nil
}
