package syntax

import (
	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/mysql/token"
)

// reader walks over a statement's words and fills a Statement.
type reader struct {
	words
	*Statement

	at      int
	unsure  bool // something in it may be a name that was not found
	end     int  // of the text: behind the last word
	head    int  // the first word behind SET STATEMENT … FOR
	columns swap
}

// upper is the word n ahead, in upper case, or a mark; "" for anything else.
func (r *reader) upper(n int) string {
	if r.at+n < len(r.list) {
		return r.list[r.at+n].upper
	}
	return ""
}

func (r *reader) done() bool { return r.at >= len(r.list) }

// accept moves over the words if they stand here.
func (r *reader) accept(words ...string) bool {
	for n, w := range words {
		if r.upper(n) != w {
			return false
		}
	}
	r.at += len(words)
	return true
}

// acceptAny moves over one of the words if it stands here, and returns it.
func (r *reader) acceptAny(words ...string) string {
	here := r.upper(0)
	if here == "" {
		return ""
	}
	for _, w := range words {
		if here == w {
			r.at++
			return w
		}
	}
	return ""
}

// skipAll moves over any number of the words.
func (r *reader) skipAll(words ...string) {
	for r.acceptAny(words...) != "" {
	}
}

// parentheses moves over ( … ), if that stands here.
func (r *reader) parentheses() {
	if r.upper(0) != "(" {
		return
	}
	for depth := 0; !r.done(); r.at++ {
		switch r.upper(0) {
		case "(":
			depth++
		case ")":
			depth--
			if depth == 0 {
				r.at++
				return
			}
		}
	}
}

// name reads [schema.]name.
func (r *reader) name() (catalog.Name, spot, bool) {
	first, ok := r.identifier()
	if !ok {
		return catalog.Name{}, spot{}, false
	}
	at := spot{first.Start, first.End}
	if r.upper(0) != "." {
		return catalog.Name{Name: token.Unquote(first.In(r.words.text))}, at, true
	}
	r.at++
	second, ok := r.identifier()
	if !ok {
		return catalog.Name{}, spot{}, false
	}
	at.end = second.End
	return catalog.Name{Schema: token.Unquote(first.In(r.words.text)), Name: token.Unquote(second.In(r.words.text))}, at, true
}

// identifier reads one part of a name.
func (r *reader) identifier() (word, bool) {
	if r.done() {
		return word{}, false
	}
	w := r.list[r.at]
	if w.Kind != token.Word && w.Kind != token.Name && w.Kind != token.Double {
		return word{}, false
	}
	r.at++
	return w, true
}

// object reads a name and notes it, or notes that there is none where one
// belongs.
func (r *reader) object(kind ObjectKind, use Use) bool {
	name, at, ok := r.name()
	if !ok {
		r.unsure = true
		return false
	}
	r.Objects = append(r.Objects, Object{kind, name, use})
	r.spots = append(r.spots, at)
	return true
}

// objects reads name [, name …].
func (r *reader) objects(kind ObjectKind, use Use) {
	for r.object(kind, use) && r.accept(",") {
	}
}

// ifExists moves over IF EXISTS or IF NOT EXISTS and says whether that stood
// here.
func (r *reader) ifExists() bool { return r.accept("IF", "EXISTS") || r.accept("IF", "NOT", "EXISTS") }

// wait moves over MariaDB's WAIT n and NOWAIT.
func (r *reader) wait() {
	if r.accept("NOWAIT") {
		return
	}
	if r.accept("WAIT") {
		r.at++
	}
}
