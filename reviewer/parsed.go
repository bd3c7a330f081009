package reviewer

import (
	"context"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/reviewer/finding"
	"github.com/shipsql/shipsql/reviewer/postgres"
)

// parsedBasis is what a review rests on where there are no rules.
const parsedBasis = "parsed only: no MySQL rules yet"

// HasRules says whether there are rules for an engine. Without, statements are
// only parsed, the basis says so, and no catalog is looked at.
func HasRules(engine string) bool { return engine == "" || engine == "postgres" }

// parsed reviews files of MySQL or MariaDB: what a file and its directives must
// be, and which statements nobody could read.
func parsed(ctx context.Context, in Input) (Report, error) {
	sources := readAll(in.Files, script.Form{Dialect: script.MySQL}, func() {})
	drafts := newDrafts(sources)
	for i, s := range sources {
		for j, st := range s.statements {
			if err := ctx.Err(); err != nil {
				return Report{}, err
			}
			drafts[i].add(piece{file: i, index: j, statement: st}, understanding(st, syntax.Flavour(in.Engine)))
		}
		drafts[i].refuse(mysql.Refusal(syntax.Flavour(in.Engine), executor.Migration{SQL: s.sql, Form: in.Files[i].Form}))
	}
	if in.EngineVersion == "" && in.Catalog != nil {
		in.EngineVersion = in.Catalog.Version
	}
	return report(in, drafts, parsedBasis), nil
}

// refuse adds what the executor would refuse; commands of the client are known.
func (d *draft) refuse(f *executor.Failure) {
	if f == nil || f.Statement < 1 || f.Statement > len(d.source.statements) || d.source.statements[f.Statement-1].Kind != script.SQL {
		return
	}
	hit := postgres.Hit{Rule: &finding.Rule{ID: "refused-statement"}, Severity: Error, Message: f.Message, Fix: f.Hint}
	d.hits = append(d.hits, placed{hit, f.Statement - 1})
}

// understanding is the verdict on a statement that no rule looks at.
func understanding(st script.Statement, flavour syntax.Flavour) postgres.Verdict {
	v := postgres.Verdict{Effects: finding.Effects{Locks: []finding.Lock{}, Rewrite: []string{}, Scan: []string{}, Source: "static"}}
	if st.Kind != script.SQL {
		v.Kind, _, _ = strings.Cut(st.Text, " ")
		v.Hits = []postgres.Hit{unread("it is a command of MySQL's client, which the executor refuses", "Take it out.")}
		return v
	}
	s := syntax.Parse(st.Text, flavour)
	v.Kind, v.Analysed = string(s.Kind), s.Understood
	if !s.Understood {
		v.Hits = []postgres.Hit{unread("no parser of ours reads all of this statement", "Have it waived by someone who looked at it.")}
	}
	return v
}

func unread(why, fix string) postgres.Hit {
	return postgres.Hit{Rule: &finding.Rule{ID: "not-analysed"}, Severity: Error, Message: "Not analysed: " + why, Fix: fix}
}
