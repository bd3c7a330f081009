package deploy

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/shipsql/shipsql/executor"
)

// carriedOut finds what a refused command did before: a process may die between
// carrying it out and answering, and whoever gave the command to it gives it
// again. The second attempt finds the work done, which is no reason to tell the
// person that it was refused. ok is false when the command never took effect.
func (s *Service) carriedOut(ctx context.Context, c Command, verb string) (answer Answer, ok bool, err error) {
	if c.Source == "" || c.PullRequest == 0 {
		return Answer{}, false, nil
	}
	rows, err := list(ctx, s.db, readAudit, `SELECT `+auditColumns+` FROM deploy_audit
		WHERE release IN (SELECT id FROM deploy_releases WHERE repository = $1 AND pull_request = $2) AND action = $3 ORDER BY seq`,
		c.Repository, c.PullRequest, verb)
	if err != nil {
		return Answer{}, false, err
	}
	rows = slices.DeleteFunc(rows, func(r AuditRow) bool { return !r.tells(c) })
	if len(rows) == 0 {
		return Answer{}, false, nil
	}
	last := rows[len(rows)-1]
	release, p, err := s.releaseIn(ctx, s.db, last.Release)
	if err != nil {
		return Answer{}, false, err
	}
	facts, err := s.gather(ctx, p)
	if err != nil {
		return Answer{}, false, err
	}
	return s.answer(verb, target{project: p}, last.Environment, []Release{release}, Decide(facts)), true, nil
}

// tells says that a row is of this very command.
func (r AuditRow) tells(c Command) bool {
	var data struct {
		Source  string `json:"source"`
		Version string `json:"version"`
		Path    string `json:"path"`
	}
	if json.Unmarshal(r.Data, &data) != nil || data.Source != c.Source {
		return false
	}
	named := func(asked string, is ...string) bool { return asked == "" || slices.Contains(is, asked) }
	return named(c.Environment, r.Environment) && named(c.File, data.Path) &&
		(named(c.Version, data.Version, data.Path) || executor.VersionKey(c.Version) == executor.VersionKey(data.Version))
}
