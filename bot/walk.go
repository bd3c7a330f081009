package bot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/deploy"
	"github.com/shipsql/shipsql/providers"
	"github.com/shipsql/shipsql/store"
)

// walk goes along a branch.
type walk struct {
	bot      *Bot
	project  deploy.Project
	provider providers.Provider
	repo     providers.Repo
}

// step is a run of commits that came in by one merge: a rebase brings several.
type step struct {
	from, to string // commit before, and last commit of the run
	last     providers.Commit
	pull     *providers.PullRequest // nil: pushed directly
}

// steps are the commits that changed the folder, with the pull requests that
// brought them. Where the folder is the same at both ends nothing more is asked.
func (w walk) steps(ctx context.Context, from string, commits []providers.Commit) ([]step, error) {
	if len(commits) == 0 {
		return nil, nil
	}
	if changes, err := w.changes(ctx, from, commits[len(commits)-1].SHA); err != nil || len(changes) == 0 {
		return nil, err
	}
	var steps []step
	before := from
	for _, c := range commits {
		changes, err := w.changes(ctx, before, c.SHA)
		if err != nil {
			return nil, err
		}
		if len(changes) > 0 {
			pull, err := w.pullOf(ctx, c.SHA)
			if err != nil {
				return nil, err
			}
			steps = append(steps, step{from: before, to: c.SHA, last: c, pull: pull})
		}
		before = c.SHA
	}
	return steps, nil
}

// grouped joins neighbours that one pull request brought.
func grouped(steps []step) []step {
	var joined []step
	for _, s := range steps {
		if n := len(joined); n > 0 && s.pull != nil && joined[n-1].pull != nil && joined[n-1].pull.Number == s.pull.Number {
			s.from = joined[n-1].from
			joined[n-1] = s
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

func (w walk) changes(ctx context.Context, from, to string) ([]change, error) {
	before, err := w.bot.tree(ctx, w.project.Repository, from, w.project.Path)
	if err != nil {
		return nil, err
	}
	after, err := w.bot.tree(ctx, w.project.Repository, to, w.project.Path)
	if err != nil {
		return nil, err
	}
	return migrationsFolder(w.project.Path).changesBetween(before, after), nil
}

// pullOf is the merged pull request that brought the commit to the branch.
func (w walk) pullOf(ctx context.Context, sha string) (*providers.PullRequest, error) {
	numbers, err := w.provider.PullRequestsOf(ctx, w.repo, sha)
	if err != nil {
		return nil, fmt.Errorf("find the pull request of %s: %w", shortSHA(sha), err)
	}
	for _, n := range numbers {
		pr, err := w.provider.PullRequest(ctx, w.repo, n)
		if err != nil {
			return nil, fmt.Errorf("read pull request %d: %w", n, err)
		}
		if pr.Merged && pr.Base.Name == w.project.Branch {
			return &pr, nil
		}
	}
	return nil, nil
}

// release is what one merge brought.
func (w walk) release(ctx context.Context, s step) (deploy.NewRelease, error) {
	changes, err := w.changes(ctx, s.from, s.to)
	if err != nil {
		return deploy.NewRelease{}, err
	}
	r := deploy.NewRelease{MergeCommit: s.to, MergedAt: s.last.Time}
	for _, c := range changes {
		switch c.Status {
		case providers.Added:
			r.Added = append(r.Added, c.Path)
		case providers.Modified:
			r.Changed = append(r.Changed, c.Path)
		case providers.Removed:
			r.Deleted = append(r.Deleted, c.Path)
		}
	}
	if err := w.describe(ctx, &r, s); err != nil {
		return r, err
	}
	if r.Folder, err = w.folder(ctx, s.to); err != nil {
		return r, err
	}
	if r.Before, err = w.before(ctx, s.from, changes); err != nil {
		return r, err
	}
	return r, w.bot.Store.Tx(ctx, func(tx *store.Tx) error {
		return savePolicyCommit(ctx, tx, w.project.ID(), s.to, s.from)
	})
}

// before are the changed and deleted files as they were.
func (w walk) before(ctx context.Context, commit string, changes []change) ([]deploy.File, error) {
	entries, err := w.bot.tree(ctx, w.project.Repository, commit, w.project.Path)
	if err != nil {
		return nil, err
	}
	return w.files(ctx, commit, slices.DeleteFunc(slices.Clone(entries), func(e providers.TreeEntry) bool {
		return !slices.ContainsFunc(changes, func(c change) bool { return c.Path == e.Path && c.Status != providers.Added })
	}))
}

// describe fills in who made the change and what it is called.
func (w walk) describe(ctx context.Context, r *deploy.NewRelease, s step) error {
	r.Title, _, _ = strings.Cut(s.last.Message, "\n")
	r.Author = s.last.Author.Login
	if s.pull != nil {
		r.PullRequest, r.Title, r.Author = s.pull.Number, s.pull.Title, s.pull.Author.Login
	}
	people, err := w.people(ctx, s)
	r.People = peopleOf(people)
	return err
}

// people made the step's change. Who merged a pull request is none of them.
func (w walk) people(ctx context.Context, s step) ([]providers.Person, error) {
	if s.pull != nil {
		return w.bot.peopleOfPull(ctx, w.project.Repository, *s.pull)
	}
	pushers, err := w.bot.pushersOf(ctx, w.project.Repository, s.to, s.to)
	return slices.Concat([]providers.Person{s.last.Author, s.last.Committer}, coAuthors(s.last.Message), pushers), err
}

// peopleOfPull are all who made a pull request's change: its author, those of
// its commits, and who pushed them.
func (b *Bot) peopleOfPull(ctx context.Context, repository string, pr providers.PullRequest) ([]providers.Person, error) {
	p, repo, err := b.forge(ctx, repository)
	if err != nil {
		return nil, err
	}
	people, err := p.PullRequestPeople(ctx, repo, pr.Number)
	switch {
	case tooMany(err):
		people = append(people, hiddenPeople)
	case err != nil:
		return nil, fmt.Errorf("read the people of pull request %d: %w", pr.Number, err)
	}
	// Before it was opened its head was pushed like any branch.
	pushers, err := b.pushersOf(ctx, repository, pushedTo(pr.Number), pr.Head.SHA)
	return slices.Concat([]providers.Person{pr.Author}, people, pushers), err
}

// hiddenPeople stands for the people of commits that the forge does not list.
var hiddenPeople = providers.Person{Name: "people of commits that the forge does not list"}

// forgeCommitter is who GitHub names as the committer of what its own pages commit.
const forgeCommitter = "noreply@github.com"

func peopleOf(people []providers.Person) deploy.People {
	found := deploy.People{Incomplete: slices.Contains(people, hiddenPeople)}
	add := func(list *[]string, name string) {
		if name != "" && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, p := range people {
		switch {
		case p.Email == forgeCommitter:
		case p.Login != "":
			add(&found.Logins, p.Login)
		default:
			add(&found.Unmapped, strings.TrimSpace(p.Name+" "+bracketed(p.Email)))
		}
	}
	return found
}

func bracketed(email string) string {
	if email == "" {
		return ""
	}
	return "<" + email + ">"
}

var coAuthor = regexp.MustCompile(`(?im)^co-authored-by:[ \t]*(.*?)[ \t]*<([^<>\n]+)>`)

// coAuthors are the people in a message's trailers, by name and address: the
// forge maps them to users only for a pull request's commits.
func coAuthors(message string) []providers.Person {
	var people []providers.Person
	for _, m := range coAuthor.FindAllStringSubmatch(message, -1) {
		people = append(people, providers.Person{Name: m[1], Email: m[2]})
	}
	return people
}

// folder is every SQL file of the project at a commit, with the contents that
// the store lacks.
func (w walk) folder(ctx context.Context, commit string) ([]deploy.File, error) {
	entries, err := w.bot.tree(ctx, w.project.Repository, commit, w.project.Path)
	if err != nil {
		return nil, err
	}
	return w.files(ctx, commit, entries)
}

// files are those of the entries that belong to the project.
func (w walk) files(ctx context.Context, commit string, entries []providers.TreeEntry) ([]deploy.File, error) {
	var files []deploy.File
	var blobs []string
	for _, e := range entries {
		if migrationsFolder(w.project.Path).holds(e.Path) {
			files = append(files, deploy.File{Path: e.Path, Blob: e.Blob})
			blobs = append(blobs, e.Blob)
		}
	}
	known, err := w.bot.Deploy.KnownBlobs(ctx, w.project.ID(), blobs)
	if err != nil {
		return nil, err
	}
	kinds := migrationsFolder(w.project.Path).byPath(entries)
	var missing []providers.TreeEntry
	for i, f := range files {
		switch {
		case kinds[f.Path].Kind != providers.File:
			files[i].Blob, files[i].Unreadable = "", "it is a "+string(kinds[f.Path].Kind)
		case !known[f.Blob]:
			missing = append(missing, kinds[f.Path])
		}
	}
	return files, w.fill(ctx, commit, files, missing)
}

// fill reads the missing contents into files.
func (w walk) fill(ctx context.Context, commit string, files []deploy.File, missing []providers.TreeEntry) error {
	if len(missing) == 0 {
		return nil
	}
	found, unread := map[string][]byte{}, map[string]string{}
	if err := w.bot.fetch(ctx, w.project.Repository, commit, missing, found, unread); err != nil {
		return err
	}
	for i, f := range files {
		if content, ok := found[f.Path]; ok {
			files[i].Content = content
		}
		if why, ok := unread[f.Path]; ok {
			files[i].Unreadable = why
		}
	}
	return nil
}
