package miniforge

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers/miniforge/gitmem"
)

// State is everything the forge knows. It is guarded by the Forge's lock; its
// exported methods return copies and are for use inside [Forge.Wait].
type State struct {
	o       Options
	url     string
	hookURL string
	version int   // of the state, counted up at every change
	lastID  int64 // of anything that has an id

	users         map[string]*User // by lower-case login
	repos         map[string]*repo // by lower-case "owner/name"
	former        map[string]*repo // by a name they had before, until another takes it
	repoOrder     []*repo
	teams         map[string]*team         // by lower-case "org/slug"
	installations map[string]*installation // by lower-case owner
	tokens        map[string]*token
	asked         map[string]string // permissions the App asks for
	requests      []Request

	deliveries []*delivery
	outbox     []*delivery // to be sent, in this order
	decide     func(Delivery) Disposition
}

// repo is a repository with everything that belongs to it.
type repo struct {
	id        int64
	owner     *User
	name      string
	private   bool
	parent    *repo // of a fork
	main      string
	createdAt time.Time
	installed bool
	archived  bool

	git         *gitmem.Store
	heads       map[string]string // branch → commit
	roles       map[string]string // lower-case login → role
	required    map[string][]string
	pulls       []*pull
	lastNumber  int
	suites      []*suite
	runs        []*run
	deployments []*deployment
	group       *mergeGroup // what the merge queue tries now
}

func (r *repo) fullName() string { return r.owner.Login + "/" + r.name }

// pull is a pull request; its embedded copy lacks the computed fields.
type pull struct {
	PullRequest
	base, head *repo
	landed     []string // commits its merge made on the base branch
	comments   []*comment
	inline     []*ReviewComment
	test       string    // the newest test merge
	testedAt   [2]string // the base's head and the own one it was made of
}

type comment struct {
	Comment
	pull    *pull
	deleted bool
}

// suite is the App's check suite of a commit.
type suite struct {
	id        int64
	sha       string
	branch    string // "" for a fork's commit
	createdAt time.Time
}

type run struct {
	CheckRun
	suite *suite
}

type deployment struct {
	Deployment
	creator *User
}

// mergeGroup is a pull request on its way through the merge queue.
type mergeGroup struct {
	pull *pull
	by   *User
	ref  string // gh-readonly-queue/…
	base string // the base branch's head it was built on
	head string
}

type team struct {
	id        int64
	org       *User
	slug      string
	members   []*User
	createdAt time.Time
}

type installation struct {
	id        int64
	account   *User
	createdAt time.Time
	suspended time.Time         // zero: not
	granted   map[string]string // permissions its owner accepted
	used      int               // requests of the hour that began at hour
	hour      time.Time
}

func newState(o Options) *State {
	s := &State{
		o: o, url: strings.TrimSuffix(o.PublicURL, "/"), hookURL: o.WebhookURL, lastID: 1000,
		users: map[string]*User{}, repos: map[string]*repo{}, former: map[string]*repo{}, teams: map[string]*team{},
		installations: map[string]*installation{}, tokens: map[string]*token{}, asked: maps.Clone(permissions),
	}
	s.addUser(User{Login: s.botLogin(), Name: o.AppSlug, Email: o.AppSlug + "[bot]@users.noreply.github.com", Kind: "Bot"})
	s.addUser(User{Login: "web-flow", Name: "GitHub", Email: "noreply@github.com"})
	return s
}

func (s *State) botLogin() string { return s.o.AppSlug + "[bot]" }

func (s *State) newID() int64 {
	s.lastID++
	return s.lastID
}

// now is the time in whole seconds, as the API and git write it.
func (s *State) now() time.Time { return s.o.Clock.Now().UTC().Truncate(time.Second) }

func (s *State) addUser(u User) *User {
	if u.Name == "" {
		u.Name = strings.ToUpper(u.Login[:1]) + u.Login[1:]
	}
	if u.Email == "" {
		u.Email = strings.ToLower(u.Login) + "@example.com"
	}
	if u.Kind == "" {
		u.Kind = "User"
	}
	u.ID = s.newID()
	s.users[strings.ToLower(u.Login)] = &u
	return &u
}

func (s *State) user(login string) (*User, error) {
	if u, ok := s.users[strings.ToLower(login)]; ok {
		return u, nil
	}
	return nil, fault.New(fault.NotFound, "the mini forge has no user %q", login).Then("add it with AddUser")
}

// userByEmail finds whose address a commit carries, nil when nobody's.
func (s *State) userByEmail(email string) *User {
	for _, u := range s.users {
		if strings.EqualFold(u.Email, email) {
			return u
		}
	}
	return nil
}

func (s *State) repo(name string) (*repo, error) {
	if r, ok := s.repos[strings.ToLower(name)]; ok {
		return r, nil
	}
	return nil, fault.New(fault.NotFound, "the mini forge has no repository %q", name)
}

func (s *State) repoAndUser(name, login string) (*repo, *User, error) {
	r, err := s.repo(name)
	if err != nil {
		return nil, nil, err
	}
	u, err := s.user(login)
	return r, u, err
}

func (s *State) pull(name string, number int) (*pull, error) {
	r, err := s.repo(name)
	if err != nil {
		return nil, err
	}
	if p := r.pull(number); p != nil {
		return p, nil
	}
	return nil, fault.New(fault.NotFound, "%s has no pull request #%d", r.fullName(), number)
}

func (s *State) pullAndUser(name string, number int, login string) (*pull, *User, error) {
	p, err := s.pull(name, number)
	if err != nil {
		return nil, nil, err
	}
	u, err := s.user(login)
	return p, u, err
}

func (r *repo) pull(number int) *pull {
	for _, p := range r.pulls {
		if p.Number == number {
			return p
		}
	}
	return nil
}

func (r *repo) comment(id int64) *comment {
	for _, p := range r.pulls {
		for _, c := range p.comments {
			if c.ID == id && !c.deleted {
				return c
			}
		}
	}
	return nil
}

func (r *repo) run(id int64) *run {
	i := slices.IndexFunc(r.runs, func(c *run) bool { return c.ID == id })
	if i < 0 {
		return nil
	}
	return r.runs[i]
}

// resolve finds a commit by full or short name, branch or "heads/branch".
func (r *repo) resolve(ref string) (gitmem.Commit, bool) {
	ref = strings.TrimPrefix(ref, "refs/")
	for _, name := range []string{ref, strings.TrimPrefix(ref, "heads/")} {
		if sha, ok := r.heads[name]; ok {
			return r.git.Commit(sha)
		}
	}
	return r.git.FindCommit(ref)
}

// role is what a user may do: the owner everything, everybody reads what is public.
func (r *repo) role(login string) string {
	if strings.EqualFold(login, r.owner.Login) {
		return "admin"
	}
	if role, ok := r.roles[strings.ToLower(login)]; ok {
		return role
	}
	if r.private {
		return "none"
	}
	return "read"
}
