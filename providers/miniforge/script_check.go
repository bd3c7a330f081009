package miniforge

import (
	"slices"

	"github.com/shipsql/shipsql/internal/fault"
)

// RequestAction presses a check run's button.
func (f *Forge) RequestAction(repo string, check int64, identifier, by string) error {
	return f.change(func(s *State) error {
		c, u, err := s.runAndUser(repo, check, by)
		if err != nil {
			return err
		}
		offered := slices.ContainsFunc(c.Actions, func(a CheckAction) bool { return a.Identifier == identifier })
		if c.Status != "completed" || !offered {
			return fault.New(fault.Conflict, "the check %s shows no button %q", c.Name, identifier)
		}
		s.emitRun("requested_action", c, u, object{"requested_action": object{"identifier": identifier}})
		return nil
	})
}

// Rerequest presses a check run's "Re-run" link.
func (f *Forge) Rerequest(repo string, check int64, by string) error {
	return f.change(func(s *State) error {
		c, u, err := s.runAndUser(repo, check, by)
		if err != nil {
			return err
		}
		s.emitRun("rerequested", c, u, nil)
		return nil
	})
}

// RerequestSuite presses "Re-run all checks" for a commit.
func (f *Forge) RerequestSuite(repo, sha, by string) error {
	return f.change(func(s *State) error {
		r, u, err := s.repoAndUser(repo, by)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(r.suites, func(c *suite) bool { return c.sha == sha })
		if i < 0 {
			return fault.New(fault.NotFound, "%s has no checks for %s", repo, sha)
		}
		s.emitSuite("rerequested", r, r.suites[i], u)
		return nil
	})
}

func (s *State) runAndUser(repo string, check int64, login string) (*run, *User, error) {
	r, u, err := s.repoAndUser(repo, login)
	if err != nil {
		return nil, nil, err
	}
	c := r.run(check)
	if c == nil {
		return nil, nil, fault.New(fault.NotFound, "%s has no check run %d", repo, check)
	}
	return c, u, nil
}

// requestSuite makes a commit's check suite, as GitHub does on every push.
func (s *State) requestSuite(r *repo, sha, branch string, by *User) {
	if r.installed && !slices.ContainsFunc(r.suites, func(c *suite) bool { return c.sha == sha }) {
		s.emitSuite("requested", r, s.suite(r, sha, branch), by)
	}
}

// suite finds or makes the App's check suite of a commit.
func (s *State) suite(r *repo, sha, branch string) *suite {
	for _, c := range r.suites {
		if c.sha == sha {
			return c
		}
	}
	c := &suite{id: s.newID(), sha: sha, branch: branch, createdAt: s.now()}
	r.suites = append(r.suites, c)
	return c
}

// outcome sums a suite's newest runs up as GitHub does.
func (r *repo) outcome(c *suite) (status, conclusion string) {
	runs := r.runsOf(c.sha)
	if len(runs) == 0 {
		return "queued", ""
	}
	worst := "success"
	for _, run := range runs {
		if run != r.newestRun(c.sha, run.Name) {
			continue
		}
		if run.Status != "completed" {
			return "in_progress", ""
		}
		if run.Conclusion != "success" && worst != "failure" {
			worst = run.Conclusion
		}
	}
	return "completed", worst
}

func tooLong(text string, limit int) bool { return len([]rune(text)) > limit }
