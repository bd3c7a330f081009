package github

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/providers"
)

// commitCap is where GitHub's list of a pull request's commits ends without
// saying so. https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request
const commitCap = 250

// webFlow commits on behalf of people who use GitHub's pages.
const webFlow, webFlowAddress = "web-flow", "noreply@github.com"

var (
	coAuthor = regexp.MustCompile(`(?im)^[ \t]*co-authored-by:[ \t]*([^<\r\n]*)<([^<>\r\n]+)>`)
	noReply  = regexp.MustCompile(`(?i)^(?:(\d+)\+)?([a-z0-9][a-z0-9_-]*(?:\[bot\])?)@users\.noreply\.`)
)

// PullRequestPeople lists everyone behind a pull request's commits.
func (p *Provider) PullRequestPeople(ctx context.Context, repo providers.Repo, number int) ([]providers.Person, error) {
	var commits []*github.RepositoryCommit
	l := listing{repo: repo, path: pathf("/pulls/%d/commits", number)}
	err := pages(ctx, p, l, func(page []*github.RepositoryCommit) bool {
		commits = append(commits, page...)
		return len(commits) < commitCap
	})
	if err == nil && len(commits) >= commitCap {
		err = fmt.Errorf("%s#%d has %d commits or more: %w", repo, number, commitCap, providers.ErrTooMany)
	}
	if err != nil {
		return nil, err
	}
	return people(commits), nil
}

// people lists the authors, committers and co-authors, each once, in the order
// in which they appear.
func people(commits []*github.RepositoryCommit) []providers.Person {
	var all []providers.Person
	for _, c := range commits {
		all = append(all, behind(c)...)
	}
	known := map[string]providers.Person{} // address → user
	for _, who := range all {
		if who.Login != "" && who.Email != "" {
			known[strings.ToLower(who.Email)] = who
		}
	}
	seen := map[string]bool{}
	var once []providers.Person
	for _, who := range all {
		if user, ok := known[strings.ToLower(who.Email)]; ok && who.Login == "" {
			who = user
		}
		if key := identity(who); !seen[key] {
			seen[key] = true
			once = append(once, who)
		}
	}
	return once
}

// identity tells people apart: by user, else by address, else by name.
func identity(who providers.Person) string {
	switch {
	case who.Login != "":
		return "login " + strings.ToLower(who.Login)
	case who.Email != "":
		return "address " + strings.ToLower(who.Email)
	}
	return "name " + who.Name
}

// behind lists the people of one commit.
func behind(c *github.RepositoryCommit) []providers.Person {
	list := []providers.Person{signed(c.GetAuthor(), c.GetCommit().GetAuthor())}
	if by := signed(c.GetCommitter(), c.GetCommit().GetCommitter()); by.Login != webFlow && by.Email != webFlowAddress {
		list = append(list, by)
	}
	for _, m := range coAuthor.FindAllStringSubmatch(c.GetCommit().GetMessage(), -1) {
		list = append(list, addressed(strings.TrimSpace(m[1]), strings.TrimSpace(m[2])))
	}
	return list
}

// signed joins the forge's user, if there is one, with what git says.
func signed(user *github.User, git *github.CommitAuthor) providers.Person {
	if user.GetLogin() == "" {
		return addressed(git.GetName(), git.GetEmail())
	}
	who := person(user)
	who.Name, who.Email = git.GetName(), git.GetEmail()
	return who
}

// addressed is a person by address; the forge's no-reply addresses name a user.
func addressed(name, email string) providers.Person {
	who := providers.Person{Name: name, Email: email}
	if m := noReply.FindStringSubmatch(email); m != nil {
		who.ID, _ = strconv.ParseInt(m[1], 10, 64) // 0 in old addresses, which have none
		who.Login = m[2]
		who.Bot = strings.HasSuffix(who.Login, "[bot]")
	}
	return who
}
