package providertest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/providers"
)

const marker = "<!-- shipsql:v1 kind=main pr=1 -->"

func comments(st *stage) {
	n := st.open()
	id := st.s.Comment(repository, n, "bob", "/approve prod")
	c, err := st.p.Comment(st.Context(), st.repo, id)
	st.must(err)
	if c.ID != id || c.PullRequest != n || c.Author.Login != "bob" || c.Author.Bot || c.Body != "/approve prod" || c.Own || c.Created.IsZero() {
		st.Errorf("bob's comment: %+v", c)
	}
	for _, r := range []providers.Reaction{providers.Seen, providers.Seen, providers.Accepted} {
		st.must(st.p.React(st.Context(), st.repo, id, r))
	}
	reply, err := st.p.AddComment(st.Context(), st.repo, n, note("done"))
	st.must(err)
	own, err := st.p.Comment(st.Context(), st.repo, reply)
	st.must(err)
	if !own.Own || !own.Author.Bot || own.Body != "<!-- done -->\ndone" {
		st.Errorf("our comment: %+v", own)
	}
	shown := st.s.Shown(repository, n).Comments
	st.equal("number of comments", len(shown), 2)
	st.equal("reactions, each once", shown[0].Reactions, []string{string(providers.Seen), string(providers.Accepted)})

	st.s.DeleteComment(repository, id, "bob")
	if _, err := st.p.Comment(st.Context(), st.repo, id); !errors.Is(err, providers.ErrNotFound) {
		st.Errorf("a deleted comment: %v", err)
	}
}

// note is a new comment, marked by its text.
func note(text string) providers.Note {
	return providers.Note{Marker: "<!-- " + text + " -->", Body: text}
}

// putSticky puts the text and proves that it is shown, once.
func (st *stage) putSticky(n int, id int64, text string) int64 {
	st.Helper()
	got, err := st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{ID: id, Marker: marker, Body: text})
	st.must(err)
	var bodies []string
	for _, c := range st.s.Shown(repository, n).Comments {
		if c.ID == got {
			bodies = append(bodies, c.Body)
		}
	}
	st.equal("the sticky comment", bodies, []string{marker + "\n" + text})
	return got
}

func sticky(st *stage) {
	n := st.open()
	st.s.Comment(repository, n, "carl", marker+"\na stranger with our marker")
	id := st.putSticky(n, 0, "one")
	st.equal("edited by its id", st.putSticky(n, id, "two"), id)
	st.equal("found by its marker", st.putSticky(n, 0, "three"), id)
	st.equal("comments so far", len(st.s.Shown(repository, n).Comments), 2)

	st.s.DeleteComment(repository, id, "ann")
	again := st.putSticky(n, id, "four")
	if again == id {
		st.Error("a deleted comment was edited")
	}
	st.equal("comments at the end", len(st.s.Shown(repository, n).Comments), 2)

	other, err := st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{Marker: "<!-- shipsql:v1 kind=other -->", Body: "x"})
	st.must(err)
	if other == again {
		st.Error("another marker's comment was edited")
	}
	long, err := st.p.PutSticky(st.Context(), st.repo, n, providers.Sticky{ID: again, Marker: marker, Body: "```\n" + strings.Repeat("🐘\n", 40_000)})
	st.must(err)
	st.equal("a text that is too long", long, again)
}

func stickyAmongMany(st *stage) {
	n := st.open()
	for i := range 130 {
		st.s.Comment(repository, n, "bob", fmt.Sprint("comment ", i))
	}
	id := st.putSticky(n, 0, "one")
	for i := range 110 {
		st.s.Comment(repository, n, "bob", fmt.Sprint("later comment ", i))
	}
	st.equal("found on a later page", st.putSticky(n, 0, "two"), id)
	st.equal("comments", len(st.s.Shown(repository, n).Comments), 241)
}
