package miniforge

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
	"github.com/shipsql/shipsql/providers/miniforge/page"
)

func (s *State) indexView() page.Index {
	return page.Index{Repos: mapEach(s.repoOrder, func(r *repo) page.Repo {
		rows := mapEach(r.pulls, (*pull).row)
		slices.Reverse(rows)
		return page.Repo{Name: r.fullName(), Pulls: rows}
	})}
}

func (p *pull) row() page.Row {
	return page.Row{
		Number: p.Number, Title: p.Title, Author: p.Author, State: p.badge(), At: p.CreatedAt, Comments: len(p.comments),
		URL: fmt.Sprintf("/%s/pull/%d", p.base.fullName(), p.Number),
	}
}

func (p *pull) badge() string {
	switch {
	case p.Merged:
		return "merged"
	case p.State == "closed":
		return "closed"
	case p.Queued != "":
		return "queued"
	case p.Draft:
		return "draft"
	}
	return "open"
}

func (s *State) pullView(p *pull) page.Pull {
	head := p.Head.Ref
	if p.head != p.base {
		head = p.head.owner.Login + ":" + head
	}
	v := page.Pull{
		Row: p.row(), Repo: p.base.fullName(), Base: p.Base.Ref, Head: head, HeadSHA: p.Head.SHA, MergedBy: p.MergedBy,
		MergeSHA: p.MergeSHA, Labels: p.Labels, Blocked: p.blocked(), People: s.people(), Talk: p.talk(),
		Commits: mapEach(p.commits(), s.commitView), Checks: p.checkViews(), Environments: p.environments(),
	}
	for _, f := range p.files() {
		v.Files = append(v.Files, p.fileView(f, v.Checks))
		v.Additions, v.Deletions = v.Additions+f.Additions, v.Deletions+f.Deletions
	}
	return v
}

func (s *State) commitView(c gitmem.Commit) page.Commit {
	author := c.Author.Name
	if u := s.userByEmail(c.Author.Email); u != nil {
		author = u.Login
	}
	return page.Commit{SHA: c.Hash, Subject: firstLine(c.Message), Author: author}
}

// people are the accounts somebody at the page may act as.
func (s *State) people() []string {
	var logins []string
	for _, u := range slices.SortedFunc(maps.Values(s.users), func(a, b *User) int { return cmp.Compare(a.ID, b.ID) }) {
		if u.Kind == "User" && u.Login != "web-flow" {
			logins = append(logins, u.Login)
		}
	}
	return logins
}

var emoji = map[string]string{
	"+1": "👍", "-1": "👎", "laugh": "😄", "confused": "😕", "heart": "❤️", "hooray": "🎉", "rocket": "🚀", "eyes": "👀",
}

// talk is the conversation in the order in which it was held.
func (p *pull) talk() []page.Talk {
	all := []page.Talk{{Author: p.Author, Verb: "opened this pull request", Body: p.Body, At: p.CreatedAt}}
	for _, c := range p.comments {
		if !c.deleted {
			all = append(all, page.Talk{
				ID: c.ID, Author: c.Author, ByApp: c.ByApp, Verb: "commented", Body: c.Body, At: c.CreatedAt,
				Edited: !c.UpdatedAt.Equal(c.CreatedAt), Reactions: reactionViews(c.Reactions),
			})
		}
	}
	for _, r := range p.Reviews {
		talk := page.Talk{ID: r.ID, Author: r.Author, ByApp: true, Verb: "reviewed", Body: r.Body, At: r.CreatedAt}
		for _, c := range p.inline {
			if c.Review == r.ID {
				talk.Inline = append(talk.Inline, p.remark(c))
			}
		}
		all = append(all, talk)
	}
	slices.SortStableFunc(all, func(a, b page.Talk) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func reactionViews(all []Reaction) []page.Reaction {
	var views []page.Reaction
	for _, name := range reactionNames {
		view := page.Reaction{Name: name, Emoji: emoji[name]}
		for _, r := range all {
			if r.Content == name {
				view.Users = append(view.Users, r.User)
			}
		}
		if len(view.Users) > 0 {
			views = append(views, view)
		}
	}
	return views
}

func (p *pull) remark(c *ReviewComment) page.Remark {
	body, lines := page.Suggestions(c.Body)
	r := page.Remark{ID: c.ID, Author: c.Author, Path: c.Path, Line: c.Line, Body: body}
	if lines != nil {
		r.Suggestion = &page.Suggestion{
			Before: p.linesOf(c), After: lines, Outdated: c.Commit != p.Head.SHA || p.State != "open",
		}
	}
	return r
}

// linesOf are the lines a review comment is about, as they were.
func (p *pull) linesOf(c *ReviewComment) []string {
	commit, _ := p.base.git.Commit(c.Commit)
	entry, _ := p.base.git.Lookup(commit.Tree, c.Path)
	content, _ := p.base.git.Blob(entry.Hash)
	all := strings.Split(string(content), "\n")
	from, to := c.lines()
	if to > len(all) {
		return nil
	}
	return all[from-1 : to]
}

func (p *pull) checkViews() []page.Check {
	var views []page.Check
	for _, c := range p.base.runsOf(p.Head.SHA) {
		if c != p.base.newestRun(c.SHA, c.Name) {
			continue
		}
		view := page.Check{
			ID: c.ID, Name: c.Name, Required: slices.Contains(p.base.required[p.Base.Ref], c.Name),
			State: cmp.Or(c.Conclusion, c.Status), Title: c.Title, Summary: c.Summary, Text: c.Text, DetailsURL: c.DetailsURL,
			At: c.StartedAt,
		}
		for _, a := range c.Annotations {
			view.Annotations = append(view.Annotations, page.Remark{
				Level: a.Level, Title: cmp.Or(a.Title, a.Level), Path: a.Path, Line: a.StartLine, Body: a.Message,
			})
		}
		if c.Status == "completed" {
			view.Actions = mapEach(c.Actions, func(a CheckAction) page.Action { return page.Action(a) })
		}
		views = append(views, view)
	}
	return views
}

// fileView is a file's diff with what reviews and checks say about its lines.
func (p *pull) fileView(f gitmem.FileDiff, checks []page.Check) page.File {
	view := page.File{
		Path: f.Path, Previous: f.Previous, Status: string(f.Status), Additions: f.Additions, Deletions: f.Deletions,
	}
	kinds := map[byte]string{'+': "add", '-': "del", ' ': "same", '@': "hunk", '\\': "note"}
	for _, l := range gitmem.ParsePatch(f.Patch) {
		line := page.Line{Kind: kinds[l.Kind], Old: l.Old, New: l.New, Text: l.Text}
		for _, c := range p.inline {
			onLine := (c.Side == "LEFT" && c.Line == l.Old) || (c.Side != "LEFT" && c.Line == l.New)
			if c.Path == f.Path && onLine && c.Line > 0 {
				line.Remarks = append(line.Remarks, p.remark(c))
			}
		}
		for _, check := range checks {
			for _, a := range check.Annotations {
				if a.Path == f.Path && a.Line == l.New && l.New > 0 {
					line.Remarks = append(line.Remarks, a)
				}
			}
		}
		view.Lines = append(view.Lines, line)
	}
	return view
}

// environments are the newest deployments of the head or the merge, by place.
func (p *pull) environments() []page.Environment {
	var views []page.Environment
	for _, d := range p.base.deployments {
		if d.SHA != p.Head.SHA && (p.MergeSHA == "" || d.SHA != p.MergeSHA) {
			continue
		}
		view := page.Environment{Name: d.Environment, State: cmp.Or(d.State(), "pending"), At: d.CreatedAt}
		if n := len(d.Statuses); n > 0 {
			newest := d.Statuses[n-1]
			view.Description, view.At = newest.Description, newest.CreatedAt
			view.URL = cmp.Or(newest.LogURL, newest.EnvironmentURL)
		}
		same := func(e page.Environment) bool { return e.Name == view.Name }
		if i := slices.IndexFunc(views, same); i >= 0 {
			views[i] = view
			continue
		}
		views = append(views, view)
	}
	return views
}
