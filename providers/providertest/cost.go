package providertest

import "github.com/shipsql/shipsql/providers"

// callsOfAPush is DESIGN §9's budget for one push with SQL.
const callsOfAPush = 8

// reviewOnce makes the calls that a review of a pull request needs.
func (st *stage) reviewOnce(n int, sticky int64) int64 {
	st.Helper()
	pr := st.pull(n)
	files, err := st.p.ChangedFiles(st.Context(), st.repo, n)
	st.must(err)
	_, err = st.p.Tree(st.Context(), st.repo, pr.Base.SHA, "db/migrations")
	st.must(err)
	_, err = st.p.Blobs(st.Context(), st.repo, pr.Head.SHA, []providers.TreeEntry{{Path: files[0].Path, Blob: files[0].Blob}})
	st.must(err)
	_, err = st.p.PutCheck(st.Context(), st.repo, annotated(pr.Head.SHA, 10))
	st.must(err)
	return st.putSticky(n, sticky, "reviewed")
}

func costOfAPush(st *stage) {
	n := st.open()
	sticky := st.reviewOnce(n, 0) // finds its installation and its comment
	st.change("feature", 30)
	before := len(st.s.Requests())
	st.reviewOnce(n, sticky)
	if calls := len(st.s.Requests()) - before; calls > callsOfAPush {
		st.Errorf("%d calls of one push, want at most %d", calls, callsOfAPush)
	}
}

func costOfUnchanged(st *stage) {
	n := st.open()
	read := func() []int {
		before := len(st.s.Requests())
		pr := st.pull(n)
		_, err := st.p.ChangedFiles(st.Context(), st.repo, n)
		st.must(err)
		_, err = st.p.Tree(st.Context(), st.repo, pr.Head.SHA, "db/migrations")
		st.must(err)
		_, err = st.p.Head(st.Context(), st.repo, "main")
		st.must(err)
		return st.s.Requests()[before:]
	}
	st.equal("first answers", read(), []int{200, 200, 200, 200})
	st.equal("the same again", read(), []int{304, 304, 304, 304})
	st.s.Comment(repository, n, "bob", "hello") // a change the forge answers with a new state
	st.change("main", 40)
	after := read()
	st.equal("the branch after a push", after[3], 200)
}
