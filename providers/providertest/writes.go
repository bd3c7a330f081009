package providertest

import (
	"errors"
	"net/http"
	"slices"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// write is one write of the seam, as a caller makes it that remembers if it has
// tried before.
type write struct {
	name    string
	call    Call // the request that a fault is to hit
	make    func(again bool) error
	effects func() int // how often it has been done
}

// writes are all writes of the seam, on a pull request.
func (st *stage) writes(n int) []write {
	st.Helper()
	sha := st.pull(n).Head.SHA
	comment := st.s.Comment(repository, n, "bob", "/shipsql status")
	edited := st.putSticky(n, 0, "one")
	made, err := st.p.PutDeployment(st.Context(), st.repo, providers.Deployment{SHA: sha, Environment: "test", State: providers.DeploymentQueued})
	st.must(err)
	return []write{
		{"PutSticky, new", MakeComment, st.newSticky(n), st.comments(n, "<!-- second -->\nnew")},
		{"PutSticky", EditComment, st.editSticky(n, edited), st.comments(n, marker+"\ntwo")},
		{"AddComment", MakeComment, st.addNote(n), st.comments(n, "<!-- done -->\ndone")},
		{"React", MakeReaction, func(bool) error { return st.p.React(st.Context(), st.repo, comment, providers.Seen) }, st.reactions(n, comment)},
		{"PutCheck, new", MakeCheck, st.putCheck(sha, "new", 60), st.checks(n, 0, 60)},
		{"PutCheck", UpdateCheck, st.putCheck(sha, "more", 120), st.checks(n, 60, 120)},
		{"AddReview", MakeReview, st.addReview(n, sha), func() int { return len(st.s.Shown(repository, n).Inline) }},
		{"PutDeployment, new", MakeDeployment, st.deploy(providers.Deployment{SHA: sha, Environment: "prod"}), st.successes("prod")},
		{"PutDeployment", SetDeployment, st.deploy(providers.Deployment{ID: made, SHA: sha, Environment: "test"}), st.successes("test")},
	}
}

func (st *stage) newSticky(n int) func(bool) error {
	return func(bool) error {
		_, err := st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{Marker: "<!-- second -->", Body: "new"})
		return err
	}
}

func (st *stage) editSticky(n int, id int64) func(bool) error {
	return func(bool) error {
		_, err := st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{ID: id, Marker: marker, Body: "two"})
		return err
	}
}

func (st *stage) addNote(n int) func(bool) error {
	return func(again bool) error {
		done := note("done")
		done.MayExist = again
		_, err := st.p.AddComment(st.Context(), st.repo, n, done)
		return err
	}
}

func (st *stage) putCheck(sha, external string, annotations int) func(bool) error {
	c := annotated(sha, annotations)
	c.ExternalID = external
	return func(again bool) (err error) {
		c.MayExist = again
		c.ID, err = st.p.PutCheck(st.Context(), st.repo, c)
		return err
	}
}

func (st *stage) addReview(n int, sha string) func(bool) error {
	return func(again bool) error {
		r := remark(sha)
		r.MayExist = again
		return st.p.AddReview(st.Context(), st.repo, n, r)
	}
}

func (st *stage) deploy(d providers.Deployment) func(bool) error {
	d.State, d.Description = providers.DeploymentSuccess, "release 1"
	return func(again bool) (err error) {
		d.MayExist = again
		d.ID, err = st.p.PutDeployment(st.Context(), st.repo, d)
		return err
	}
}

func (st *stage) comments(n int, body string) func() int {
	return func() int {
		return count(st.s.Shown(repository, n).Comments, func(c ShownComment) bool { return c.Body == body })
	}
}

func (st *stage) reactions(n int, comment int64) func() int {
	return func() int {
		all := st.s.Shown(repository, n).Comments
		return len(all[slices.IndexFunc(all, func(c ShownComment) bool { return c.ID == comment })].Reactions)
	}
}

// checks counts the checks with up to so many annotations, and more than less;
// -1 when one of them is not whole.
func (st *stage) checks(n, less, annotations int) func() int {
	return func() int {
		made := 0
		for _, c := range st.s.Shown(repository, n).Checks {
			switch {
			case len(c.Annotations) <= less || len(c.Annotations) > annotations:
			case !slices.Equal(c.Annotations, messages(annotations)):
				return -1
			default:
				made++
			}
		}
		return made
	}
}

// successes counts the successes to an environment; -1 when there are several
// deployments to it.
func (st *stage) successes(environment string) func() int {
	return func() int {
		deployments, successes := 0, 0
		for _, d := range st.s.Deployments(repository) {
			if d.Environment == environment {
				deployments++
				successes += count(d.States, func(state string) bool { return state == string(providers.DeploymentSuccess) })
			}
		}
		if deployments > 1 {
			return -1
		}
		return successes
	}
}

func count[T any](list []T, is func(T) bool) (n int) {
	for _, v := range list {
		if is(v) {
			n++
		}
	}
	return n
}

// maxTries is after how many tries a write is given up, in the worst of storms.
const maxTries = 40

// untilDone makes a write as a job queue would: again, at the time the forge asks
// for, as long as the error says that this is safe.
func (st *stage) untilDone(w write, again bool) {
	st.Helper()
	for tries := 1; ; tries, again = tries+1, true {
		err := w.make(again)
		if err == nil {
			return
		}
		if fault.CodeOf(err) != fault.Unreachable || tries == maxTries {
			st.Errorf("%s, try %d: %v, want it done or unreachable", w.name, tries, err)
			return
		}
		if limited, ok := errors.AsType[providers.ErrRateLimited](err); ok {
			st.s.Pass(limited.RetryAfter)
		}
	}
}

// everyWriteOnce fails each write once in one way: it has its effect exactly once.
func everyWriteOnce(kind Kind) func(*stage) {
	return func(st *stage) {
		n := st.open()
		for _, w := range st.writes(n) {
			mend := st.s.Break(Fault{Call: w.call, Kind: kind, Times: 1})
			st.untilDone(w, false)
			mend()
			st.equal(w.name+", effects", w.effects(), 1)
		}
	}
}

// blindWritesOnce cuts each write after it was accepted, while nothing can be
// read: the next call, with a wire that works, finds it.
func blindWritesOnce(st *stage) {
	n := st.open()
	for _, w := range st.writes(n) {
		mendWrite := st.s.Break(Fault{Call: w.call, Kind: CutAfter, Times: 1})
		mendRead := st.s.Break(Fault{Call: AnyRead, Kind: BadGateway})
		if err := w.make(false); fault.CodeOf(err) != fault.Unreachable {
			st.Errorf("%s, cut and blind: %v, want unreachable", w.name, err)
		}
		mendWrite()
		mendRead()
		st.untilDone(w, true)
		st.equal(w.name+", effects", w.effects(), 1)
	}
}

// writesInAStorm makes each write while a third of all requests fail, the
// lookups' too.
func writesInAStorm(st *stage) {
	n := st.open()
	writes := st.writes(n)
	for seed, w := range writes {
		st.s.Storm(uint64(seed), 0.35)
		st.untilDone(w, false)
		st.s.Calm()
		st.equal(w.name+", effects", w.effects(), 1)
	}
}

// refusals are answers after which the same call fails again: it isn't repeated,
// nothing is done, and the error says what to change.
func refusals(st *stage) {
	n := st.open()
	codes := map[int]fault.Code{
		http.StatusForbidden: fault.Denied, http.StatusNotFound: fault.NotFound,
		http.StatusConflict: fault.Conflict, http.StatusUnprocessableEntity: fault.Invalid,
	}
	for _, w := range st.writes(n) {
		for status, want := range codes {
			mend := st.s.Break(Fault{Call: w.call, Status: status})
			if err := w.make(false); fault.CodeOf(err) != want {
				st.Errorf("%s, refused with %d: %v (%s), want %s", w.name, status, err, fault.CodeOf(err), want)
			}
			mend()
		}
		st.equal(w.name+", effects of refusals", w.effects(), 0)
		st.untilDone(w, true)
		st.equal(w.name+", effects", w.effects(), 1)
	}
}

// readsUnderFaults fails a read in each way: it answers, or says that it may be
// made again.
func readsUnderFaults(st *stage) {
	n := st.open()
	for _, kind := range kinds {
		mend := st.s.Break(Fault{Call: ReadPullRequest, Kind: kind, Times: 1})
		st.untilDone(write{name: "PullRequest, " + string(kind), make: func(bool) error {
			pr, err := st.p.PullRequest(st.Context(), st.repo, n)
			if err == nil && pr.Number != n {
				st.Errorf("%s: pull request %+v", kind, pr)
			}
			return err
		}}, false)
		mend()
	}
}
