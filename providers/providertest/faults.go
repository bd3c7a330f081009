package providertest

import (
	"errors"
	"time"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

// The wire is cut after the forge accepted each write: the call finds what it
// wrote, and nothing is there twice.
func cutAfterWrite(st *stage) {
	n := st.open()
	sha := st.pull(n).Head.SHA
	for _, call := range []Call{MakeComment, MakeCheck, MakeReview, MakeDeployment, SetDeployment} {
		defer st.s.Break(Fault{Call: call, Accepted: true, Times: 1})()
	}
	id := st.putSticky(n, 0, "one")
	st.equal("the sticky comment after a cut", st.putSticky(n, id, "two"), id)

	defer st.s.Break(Fault{Call: MakeComment, Accepted: true, Times: 1, Status: 502})()
	reply, err := st.p.AddComment(st.Context(), st.repo, n, note("done"))
	st.must(err)
	shown := st.s.Shown(repository, n).Comments
	st.equal("comments", len(shown), 2)
	st.equal("the reply", shown[1].ID, reply)

	defer st.s.Break(Fault{Call: UpdateCheck, Accepted: true, Times: 1})()
	check, err := st.p.PutCheck(st.Context(), st.repo, annotated(sha, 120))
	st.must(err)
	st.equal("the check", st.onlyCheck(n).ID, check)
	st.equal("annotations", st.onlyCheck(n).Annotations, messages(120))

	st.must(st.p.AddReview(st.Context(), st.repo, n, remark(sha)))
	st.equal("inline comments", len(st.s.Shown(repository, n).Inline), 1)

	deployed, err := st.p.PutDeployment(st.Context(), st.repo, providers.Deployment{SHA: sha, Environment: "test", State: providers.DeploymentSuccess})
	st.must(err)
	list := st.s.Deployments(repository)
	st.equal("deployments", len(list), 1)
	st.equal("the deployment", list[0].ID, deployed)
}

// The wire is cut before the forge accepts anything: the call fails, says that
// trying again is safe, and the next one does the work once.
func lostWrite(st *stage) {
	n := st.open()
	sha := st.pull(n).Head.SHA
	check, stage := annotated(sha, 60), providers.Deployment{SHA: sha, Environment: "test", State: providers.DeploymentSuccess}
	writes := map[Call]func() error{
		MakeComment: func() error {
			_, err := st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{Marker: marker, Body: "x"})
			return err
		},
		MakeCheck: func() (err error) {
			check.ID, err = st.p.PutCheck(st.Context(), st.repo, check)
			check.MayExist = true
			return err
		},
		MakeDeployment: func() (err error) {
			stage.ID, err = st.p.PutDeployment(st.Context(), st.repo, stage)
			stage.MayExist = true
			return err
		},
		MakeReview: func() error { return st.p.AddReview(st.Context(), st.repo, n, remark(sha)) },
	}
	for call, write := range writes {
		for _, status := range []int{0, 502} {
			mend := st.s.Break(Fault{Call: call, Status: status})
			if err := write(); fault.CodeOf(err) != fault.Unreachable {
				st.Errorf("%s, lost with %d: %v, want unreachable", call, status, err)
			}
			mend()
		}
		if err := write(); err != nil {
			st.Errorf("%s, mended: %v", call, err)
		}
	}
	shown := st.s.Shown(repository, n)
	st.equal("each once", []int{len(shown.Comments), len(shown.Checks), len(shown.Inline), len(st.s.Deployments(repository))}, []int{1, 1, 1, 1})
	st.equal("annotations", shown.Checks[0].Annotations, messages(60))
}

// remark is a review of one inline comment.
func remark(sha string) providers.Review {
	return providers.Review{Commit: sha, Comments: []providers.InlineComment{
		{Path: secondPath, Line: 2, Body: "why?", Marker: "<!-- why -->"},
	}}
}

func expiredToken(st *stage) {
	n := st.open()
	st.pull(n)
	st.s.ExpireTokens()
	st.pull(n)
	st.s.ExpireTokens()
	id, err := st.p.AddComment(st.Context(), st.repo, n, note("after the hour"))
	st.must(err)
	st.equal("comments", len(st.s.Shown(repository, n).Comments), 1)
	if id == 0 {
		st.Error("no id")
	}
}

func rateLimits(st *stage) {
	n := st.open()
	st.pull(n)
	mend := st.s.Break(Fault{Call: ReadPullRequest, Status: 429, RetryAfter: time.Second})
	before := len(st.s.Requests())
	for range 3 { // only the first reaches the forge
		_, err := st.p.PullRequest(st.Context(), st.repo, n)
		var limited providers.ErrRateLimited
		if !errors.As(err, &limited) || limited.RetryAfter <= 0 || limited.RetryAfter > time.Second || fault.CodeOf(err) != fault.Unreachable {
			st.Errorf("%v, want ErrRateLimited of up to a second", err)
		}
	}
	st.equal("requests while limited", len(st.s.Requests())-before, 1)
	mend()
}
