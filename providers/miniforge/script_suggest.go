package miniforge

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge/page"
)

// CommitSuggestion presses "Commit suggestion" on a review comment and returns
// the pull request's new head.
func (f *Forge) CommitSuggestion(repo string, number int, comment int64, by string) (string, error) {
	return changeFor(f, func(s *State) (string, error) {
		p, u, err := s.pullAndUser(repo, number, by)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(p.inline, func(c *ReviewComment) bool { return c.ID == comment })
		if i < 0 || p.State != "open" {
			return "", fault.New(fault.NotFound, "%s#%d has no suggestion %d to commit", repo, number, comment)
		}
		return s.suggest(p, p.inline[i], u)
	})
}

func (s *State) suggest(p *pull, c *ReviewComment, by *User) (string, error) {
	_, lines := page.Suggestions(c.Body)
	if lines == nil || c.Commit != p.Head.SHA {
		return "", fault.New(fault.Conflict, "the suggestion is outdated, or there is none")
	}
	content, _ := s.File(p.head.fullName(), p.Head.SHA, c.Path)
	all := strings.SplitAfter(content, "\n")
	from, to := c.lines()
	if to > len(all) {
		return "", fault.New(fault.Conflict, "%s has no line %d", c.Path, to)
	}
	text := ""
	for _, line := range lines {
		text += line + "\n"
	}
	all = slices.Replace(all, from-1, to, text)
	author := s.users[strings.ToLower(c.Author)]
	return s.pushOnto(p.head, p.Head.Ref, p.Head.SHA, []Commit{{
		Author: by.Login, Files: map[string]string{c.Path: strings.Join(all, "")},
		Message: "Apply suggestion from code review\n\nCo-authored-by: " + author.Name + " <" + author.Email + ">",
	}})
}

// lines is the range a review comment is about, first and last included.
func (c *ReviewComment) lines() (from, to int) {
	if c.StartLine > 0 {
		return c.StartLine, c.Line
	}
	return c.Line, c.Line
}
