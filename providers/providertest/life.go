package providertest

import (
	"errors"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// gone proves that the calls say that our app can't get at the repository.
func (st *stage) gone(calls map[string]func() error) {
	st.Helper()
	for name, call := range calls {
		if err := call(); !errors.Is(err, providers.ErrGone) || fault.CodeOf(err) != fault.NotFound {
			st.Errorf("%s: %v, want ErrGone", name, err)
		}
	}
}

// lookUps find the repository by its name and by its number.
func (st *stage) lookUps() map[string]func() error {
	return map[string]func() error{
		"Repository":     func() error { _, err := st.p.Repository(st.Context(), repository); return err },
		"RepositoryByID": func() error { _, err := st.p.RepositoryByID(st.Context(), st.repo.ID); return err },
	}
}

// uses are calls of all sorts on the repository as it was known.
func (st *stage) uses(n int) map[string]func() error {
	calls := st.lookUps()
	calls["PullRequest"] = func() error { _, err := st.p.PullRequest(st.Context(), st.repo, n); return err }
	calls["Head"] = func() error { _, err := st.p.Head(st.Context(), st.repo, "main"); return err }
	calls["Permission"] = func() error { _, err := st.p.Permission(st.Context(), st.repo, "bob"); return err }
	calls["AddComment"] = func() error { _, err := st.p.AddComment(st.Context(), st.repo, n, note("x")); return err }
	calls["PutSticky"] = func() error {
		_, err := st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{ID: 1, Marker: marker, Body: "x"})
		return err
	}
	return calls
}

// last is the newest event of a kind.
func (st *stage) last(kind providers.EventKind) providers.Event {
	st.Helper()
	for _, d := range slices.Backward(st.s.Deliveries()) {
		e, err := st.p.ParseWebhook(d.Header, d.Body)
		st.must(err)
		if e.Kind == kind {
			return e
		}
	}
	st.Fatalf("no event of the kind %s", kind)
	return providers.Event{}
}

// told proves what the newest event about the installation says.
func (st *stage) told(action string, repos ...string) {
	st.Helper()
	e := st.last(providers.InstallationChanged)
	var names []string
	for _, r := range e.Repos {
		names = append(names, r.FullName())
		if r.Provider != st.p.Name() || r.ID == 0 || r.Installation != e.Repo.Installation {
			st.Errorf("a repository of the installation: %+v", r)
		}
	}
	st.equal("what happened to the installation", e.Action, action)
	st.equal("its repositories", names, repos)
	if e.Repo.Installation == 0 {
		st.Error("the event names no installation")
	}
}

func uninstalled(st *stage) {
	n := st.open()
	st.pull(n)
	st.s.Uninstall("acme")
	st.told(providers.InstallationDeleted, repository)
	calls := st.uses(n)
	calls["InTeam"] = func() error { _, err := st.p.InTeam(st.Context(), "acme/dba", "bob"); return err }
	st.gone(calls)
	st.s.Install("acme")
	st.told(providers.InstallationCreated, repository)
	st.pull(n)
}

func suspended(st *stage) {
	n := st.open()
	st.pull(n)
	st.s.Suspend("acme")
	st.told(providers.InstallationSuspended, repository)
	st.gone(st.uses(n))
	st.s.ExpireTokens() // a new one is refused too
	st.gone(st.uses(n))
	st.s.Unsuspend("acme")
	st.told(providers.InstallationUnsuspended, repository)
	st.pull(n)
}

// A public repository can be read by anybody's installation, so only what looks
// for ours, and writes, say that it is gone.
func takenAway(st *stage) {
	n := st.open()
	st.pull(n)
	st.s.RemoveFromInstallation(repository)
	st.told(providers.InstallationRemoved, repository)
	calls := st.lookUps()
	calls["AddComment"] = st.uses(n)["AddComment"]
	st.gone(calls)
	st.s.AddToInstallation(repository)
	st.told(providers.InstallationAdded, repository)
	_, err := st.p.AddComment(st.Context(), st.repo, n, note("back"))
	st.must(err)
}

// named proves how the repository is called now, by its number and by any of
// these names.
func (st *stage) named(want string, names ...string) providers.Repo {
	st.Helper()
	now, err := st.p.RepositoryByID(st.Context(), st.repo.ID)
	st.must(err)
	st.equal("its name", now.FullName(), want)
	st.equal("its number", now.ID, st.repo.ID)
	for _, name := range names {
		found, err := st.p.Repository(st.Context(), name)
		st.must(err)
		st.equal("found by "+name, found, now)
	}
	return now
}

// usable proves that calls with the repository as it was known reach it, and
// that writes have one effect.
func (st *stage) usable(n int, now string) {
	st.Helper()
	st.equal("the pull request", st.pull(n).Title, "Add orders")
	before := len(st.s.Shown(now, n).Comments)
	id, err := st.p.AddComment(st.Context(), st.repo, n, note("hello"))
	st.must(err)
	_, err = st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{ID: id, Marker: "<!-- hello -->", Body: "edited"})
	st.must(err)
	shown := st.s.Shown(now, n).Comments
	st.equal("comments", len(shown), before+1)
	st.equal("the comment", shown[before].Body, "<!-- hello -->\nedited")
}

func renamed(st *stage) {
	n := st.open()
	st.pull(n)
	st.s.Rename(repository, "sales")
	e := st.last(providers.RepositoryChanged)
	st.equal("the event", []any{e.Action, e.Repo.ID, e.Repo.FullName()}, []any{providers.RepositoryRenamed, st.repo.ID, "acme/sales"})
	st.named("acme/sales", "acme/sales", repository)
	st.usable(n, "acme/sales")

	st.s.AddRepository(repository, nil) // another takes the old name, which redirects no more
	st.named("acme/sales", "acme/sales")
	st.usable(n, "acme/sales")
	impostor, err := st.p.Repository(st.Context(), repository)
	st.must(err)
	if impostor.ID == st.repo.ID {
		st.Error("another repository has the same number")
	}
}

func transferred(st *stage) {
	n := st.open()
	st.pull(n)
	st.s.AddRepository("umbrella/other", nil) // our app is there too
	st.s.Transfer(repository, "umbrella")
	e := st.last(providers.RepositoryChanged)
	st.equal("the event", []any{e.Action, e.Repo.ID, e.Repo.FullName()}, []any{providers.RepositoryTransferred, st.repo.ID, "umbrella/orders"})
	now := st.named("umbrella/orders", "umbrella/orders", repository)
	if now.Installation == st.repo.Installation {
		st.Error("the installation is still the former owner's")
	}
	st.usable(n, "umbrella/orders")

	st.s.Transfer("umbrella/orders", "strangers") // who don't know our app
	calls := st.lookUps()
	calls["AddComment"] = st.uses(n)["AddComment"]
	st.gone(calls)
}

func deleted(st *stage) {
	n := st.open()
	st.pull(n)
	st.s.DeleteRepository(repository)
	e := st.last(providers.RepositoryChanged)
	st.equal("the event", []any{e.Action, e.Repo.ID}, []any{providers.RepositoryDeleted, st.repo.ID})
	st.gone(st.uses(n))
}

func archived(st *stage) {
	n := st.open()
	st.s.Archive(repository)
	e := st.last(providers.RepositoryChanged)
	st.equal("the event", []any{e.Action, e.Repo.ID}, []any{providers.RepositoryArchived, st.repo.ID})
	now, err := st.p.RepositoryByID(st.Context(), st.repo.ID)
	st.must(err)
	st.equal("archived", now.Archived, true)
	st.pull(n)
	if _, err := st.p.AddComment(st.Context(), st.repo, n, note("x")); !errors.Is(err, providers.ErrUnauthorized) {
		st.Errorf("a comment in an archive: %v, want ErrUnauthorized", err)
	}
}

// lacking are the needs that aren't granted, of the app or of an account.
func lacking(needs []providers.Need) string {
	var list []string
	for _, n := range needs {
		if !n.Granted {
			list = append(list, n.What)
		}
		if n.Why == "" {
			list = append(list, n.What+" for no reason")
		}
	}
	return strings.Join(list, ", ")
}

// access proves what lacks, of the app and of acme's installation.
func (st *stage) access(app, account string) providers.Installation {
	st.Helper()
	a, err := st.p.Access(st.Context())
	st.must(err)
	st.equal("the webhook", a.Webhook, providers.Webhook{URL: st.s.WebhookURL(), ContentType: "json"})
	st.equal("what the app lacks", lacking(a.Needs), app)
	at := slices.IndexFunc(a.Installations, func(i providers.Installation) bool { return i.ID == st.repo.Installation })
	if at < 0 {
		st.Fatalf("no installation %d among %+v", st.repo.Installation, a.Installations)
	}
	st.equal("what the account's installation lacks", lacking(a.Installations[at].Missing), account)
	st.equal("the account", a.Installations[at].Account, "acme")
	if a.App == "" || a.Page == "" || a.Installations[at].Page == "" {
		st.Errorf("no names or pages: %+v", a)
	}
	return a.Installations[at]
}

func access(st *stage) {
	const checks = "Checks: Read and write"
	if in := st.access("", ""); in.Suspended {
		st.Error("it is not suspended")
	}
	st.s.Ask("checks", "read")
	st.access(checks, "")
	st.s.Accept("acme")
	st.told(providers.InstallationPermissions, repository)
	st.access(checks, checks)
	st.s.Ask("checks", "write")
	st.access("", checks)
	st.s.Accept("acme")
	st.access("", "")
	st.s.Suspend("acme")
	if in := st.access("", ""); !in.Suspended {
		st.Error("it is suspended")
	}
}
