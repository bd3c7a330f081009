package providertest

import (
	"slices"

	"github.com/shipsql/shipsql/providers"
)

func peopleOfCommits(st *stage) {
	n := st.open()
	st.s.Push(repository, "feature", Commit{
		Author: "Eve <eve@elsewhere.org>", Files: map[string]string{"a": "b"},
		Message: "Help\n\nCo-authored-by: Bob <bob@example.com>\nCo-authored-by: Carl <1+carl@users.noreply.github.com>",
	})
	st.s.Push(repository, "feature", Commit{Author: "bob", Message: "Fix", Files: map[string]string{"a": "c"}})
	people, err := st.p.PullRequestPeople(st.Context(), st.repo, n)
	st.must(err)
	var logins, strangers []string
	for _, who := range people {
		if who.Login == "" {
			strangers = append(strangers, who.Name+" "+who.Email)
			continue
		}
		logins = append(logins, who.Login)
	}
	slices.Sort(logins)
	st.equal("users", logins, []string{"ann", "bob", "carl"})
	st.equal("others", strangers, []string{"Eve eve@elsewhere.org"})
}

func rights(st *stage) {
	levels := []providers.Permission{
		providers.ReadPermission, providers.TriagePermission, providers.WritePermission,
		providers.MaintainPermission, providers.AdminPermission,
	}
	for _, level := range levels {
		st.s.SetPermission(repository, "bob", level)
		got, err := st.p.Permission(st.Context(), st.repo, "bob")
		st.must(err)
		st.equal("bob's permission", got, level)
	}
	got, err := st.p.Permission(st.Context(), st.repo, "nobody-at-all")
	st.must(err)
	st.equal("a stranger's permission", got, providers.NoPermission)

	st.s.AddTeam("acme/dba", "bob")
	for login, want := range map[string]bool{"bob": true, "ann": false, "nobody-at-all": false} {
		in, err := st.p.InTeam(st.Context(), "acme/dba", login)
		st.must(err)
		st.equal(login+" in the team", in, want)
	}
	in, err := st.p.InTeam(st.Context(), "acme/no-team", "bob")
	st.must(err)
	st.equal("in a team that isn't there", in, false)
}
