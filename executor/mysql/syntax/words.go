package syntax

import (
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/token"
)

// maxWords bounds how many tokens of a statement are looked at; what comes
// beyond (the values of a large INSERT) is searched for calls and for the
// ledger's names only.
const maxWords = 50_000

// word is a token that the server runs.
type word struct {
	token.Token
	upper string // of a Word, else the text of a Mark, "" for the rest
}

// words is a statement taken apart.
type words struct {
	text  string
	plain string // text with blanks for comments' and version comments' marks
	list  []word
	calls []string // names before a parenthesis, in lower case
	// ledger says that one of the ledger's names stands somewhere, also in a string.
	ledger bool
	cut    bool // there were more than maxWords
	// opaque says that no reading of the words tells all: the server's version
	// decides whether something runs, or names stand where none are looked for.
	opaque bool
}

// split takes a statement apart. Version comments whose version every supported
// server has are code, those no such server has are comments.
func split(text string, flavour Flavour) words {
	w := words{text: text}
	blanks := blanker{text: text}
	lexer := token.Lexer{Text: text}
	runs := runsAlways
	var last word
	for {
		t := lexer.Next()
		switch t.Kind {
		case token.End:
			w.plain = blanks.result()
			return w
		case token.VersionOpen:
			runs = version(t.In(text), flavour)
			w.opaque = w.opaque || runs == runsPerhaps
			blanks.blank(t)
		case token.VersionClose:
			runs = runsAlways
			blanks.blank(t)
		case token.Comment:
			blanks.blank(t)
		default:
			if runs == runsNever {
				blanks.blank(t)
				continue
			}
			last = w.add(t, last)
		}
	}
}

// add takes a token that runs, and returns it.
func (w *words) add(t token.Token, last word) word {
	next := word{Token: t}
	switch t.Kind {
	case token.Word:
		next.upper = strings.ToUpper(t.In(w.text))
	case token.Mark:
		next.upper = t.In(w.text)
		if next.upper == "(" && (last.Kind == token.Word || last.Kind == token.Name) {
			w.calls = append(w.calls, strings.ToLower(token.Unquote(last.In(w.text))))
		}
	}
	w.ledger = w.ledger || t.End-t.Start >= len("shipsql_meta") && namesLedger(t.In(w.text))
	if len(w.list) < maxWords {
		w.list = append(w.list, next)
	} else {
		w.cut = true
	}
	return next
}

// runs says whether a server runs what a version comment holds.
type runs int

const (
	runsAlways runs = iota
	runsPerhaps
	runsNever
)

// The oldest servers that are supported run what asks for these or less.
const (
	mysqlFloor   = 80000
	mariadbFloor = 100600
)

// version reads the opening of a version comment. MariaDB leaves out MySQL's
// versions from 5.7 on: https://mariadb.com/kb/en/comment-syntax/
func version(open string, flavour Flavour) runs {
	number, _ := strconv.Atoi(strings.TrimLeft(open, "/*M!"))
	if strings.HasPrefix(open, "/*M") {
		if flavour == MySQL {
			return runsNever
		}
		return upTo(number, mariadbFloor)
	}
	if flavour == MySQL {
		return upTo(number, mysqlFloor)
	}
	if number >= 50700 && number <= 99999 {
		return runsNever
	}
	return upTo(number, mariadbFloor)
}

func upTo(number, floor int) runs {
	if number <= floor {
		return runsAlways
	}
	return runsPerhaps
}

// blanker replaces pieces of a text by blanks, in order; without any it returns
// the text itself.
type blanker struct {
	text string
	out  strings.Builder
	done int
}

func (b *blanker) blank(t token.Token) {
	b.out.WriteString(b.text[b.done:t.Start])
	for i := t.Start; i < t.End; i++ {
		b.out.WriteByte(' ')
	}
	b.done = t.End
}

func (b *blanker) result() string {
	if b.done == 0 {
		return b.text
	}
	b.out.WriteString(b.text[b.done:])
	return b.out.String()
}
