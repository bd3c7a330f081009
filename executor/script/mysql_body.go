package script

import (
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/token"
)

// body watches a statement for the body of a stored program, whose semicolons
// don't end it: BEGIN … END with all that nests in it, or one IF, CASE, LOOP,
// WHILE, REPEAT or FOR.
//
//	state      event                                    next
//	---------  ---------------------------------------  ----------------------------------
//	first      CREATE, ALTER                            head
//	first      BEGIN NOT                                open (MariaDB runs blocks bare)
//	first      IF, CASE, LOOP, WHILE, REPEAT, FOR       open
//	head       PROCEDURE, FUNCTION                      program, TRIGGER: trigger, EVENT: event
//	head       PACKAGE                                  open, until its END
//	head       other than OR REPLACE DEFINER = user …   plain
//	program    ( … ), the parameters                    ready
//	trigger    EACH ROW                                 ready
//	event      DO                                       ready
//	ready      BEGIN, IF, CASE, LOOP …                  open
//	ready      AS, IS (Oracle mode)                     open, with declarations before BEGIN
//	ready      a characteristic, a type, a label        ready
//	ready      any other word                           plain
//	open       the END of the outermost block           plain
//	plain      anything                                 plain: the next semicolon ends it
type body struct {
	state    bodyState
	parens   int
	blocks   []block
	before   string // the word before, in upper case; the mark before where that came last
	start    bool   // inside: a statement begins
	until    bool   // inside: REPEAT's condition, behind which END may stand
	handler  bool   // inside: the statement of DECLARE … HANDLER FOR is still to come
	function bool   // a function: types may stand before its body
	afterAs  bool   // right behind AS
	routine  bool   // in a package: the BEGIN of a routine is still to come
}

type bodyState uint8

const (
	bodyFirst bodyState = iota
	bodyHead
	bodyProgram
	bodyTrigger
	bodyEvent
	bodyReady
	bodyLabel // a word in ready that is a label if a colon follows, else the body
	bodyOpen
	bodyPlain
)

// block is what an END ends.
type block uint8

const (
	blockBegin   block = iota
	blockFlow          // IF, LOOP, WHILE, FOR, CASE as a statement
	blockRepeat        // REPEAT, whose END stands behind a condition
	blockCase          // CASE as an expression
	blockPackage       // PACKAGE
	blockDeclare       // what lies between AS and BEGIN
)

// open says whether a semicolon belongs to the statement.
func (b *body) open() bool { return len(b.blocks) > 0 }

// token takes one token of the statement.
func (b *body) token(text string, t token.Token) {
	b.afterAs = false
	switch {
	case b.state == bodyPlain, t.Kind == token.VersionOpen, t.Kind == token.VersionClose:
	case t.Kind == token.Word:
		word := strings.ToUpper(t.In(text))
		if b.before != "." && b.before != "@" { // else it is part of a name
			b.word(word)
		}
		b.before = word
	default:
		b.mark(text[t.Start])
		b.before = text[t.Start : t.Start+1]
	}
}

func (b *body) mark(c byte) {
	switch {
	case b.state == bodyLabel && c != ':':
		b.state = bodyPlain
	case b.state == bodyLabel, b.state == bodyReady && c == '`':
		b.state = bodyReady
	case c == '(':
		b.parens++
	case c == ')':
		b.parens--
		if b.parens == 0 && b.state == bodyProgram {
			b.state = bodyReady
		}
	case c == ';':
		b.start, b.handler = true, false
	case c == ':':
		b.start = b.state == bodyOpen
	default:
		b.start = b.start && c == '`' // which may quote a label
	}
}

// word takes a word that is no part of a longer name.
func (b *body) word(word string) {
	switch b.state {
	case bodyFirst:
		b.first(word)
	case bodyHead:
		b.head(word)
	case bodyProgram:
		if (word == "AS" || word == "IS") && b.parens == 0 {
			b.ready(word) // Oracle mode, without parameters
		}
	case bodyTrigger:
		if word == "ROW" && b.before == "EACH" {
			b.state = bodyReady
		}
	case bodyEvent:
		if word == "DO" {
			b.state = bodyReady
		}
	case bodyReady:
		b.ready(word)
	case bodyLabel:
		b.state = bodyPlain
	case bodyOpen:
		b.inside(word)
	default:
	}
}

func (b *body) first(word string) {
	switch {
	case word == "CREATE" || word == "ALTER":
		b.state = bodyHead
	case b.before == "BEGIN" && word == "NOT":
		b.push(blockBegin)
		b.start = false // ATOMIC follows
	case word == "BEGIN" && b.before == "":
	case flows[word] && b.before == "":
		b.flow(word)
	default:
		b.state = bodyPlain
	}
}

// heads are the words between CREATE and what is created.
var heads = map[string]bool{
	"OR": true, "REPLACE": true, "DEFINER": true, "AGGREGATE": true, "CURRENT_USER": true, "CURRENT_ROLE": true,
	"SQL": true, "SECURITY": true, "INVOKER": true,
}

func (b *body) head(word string) {
	switch {
	case word == "PROCEDURE" || word == "FUNCTION":
		b.state, b.function = bodyProgram, word == "FUNCTION"
	case word == "TRIGGER":
		b.state = bodyTrigger
	case word == "EVENT":
		b.state = bodyEvent
	case word == "PACKAGE":
		b.push(blockPackage)
	case !heads[word] && b.before != "=": // DEFINER = user
		b.state = bodyPlain
	}
}

// characteristics may stand before a body. https://dev.mysql.com/doc/refman/8.4/en/create-procedure.html
var characteristics = map[string]bool{
	"COMMENT": true, "LANGUAGE": true, "SQL": true, "NOT": true, "DETERMINISTIC": true, "CONTAINS": true, "NO": true,
	"READS": true, "MODIFIES": true, "DATA": true, "SECURITY": true, "DEFINER": true, "INVOKER": true,
	"FOLLOWS": true, "PRECEDES": true, "JAVASCRIPT": true, "USING": true,
}

func (b *body) ready(word string) {
	switch {
	case word == "BEGIN":
		b.push(blockBegin)
	case flows[word]:
		b.flow(word)
	case word == "AS" || word == "IS":
		b.push(blockDeclare)
		b.afterAs = true
	case word == "RETURN":
		b.state = bodyPlain
	case !b.function && !characteristics[word] && b.before != "FOLLOWS" && b.before != "PRECEDES":
		b.state = bodyLabel
	}
}

// flows begin a statement that ends with END, where a statement begins; IF and
// REPEAT are functions elsewhere, CASE an expression.
var flows = map[string]bool{"IF": true, "CASE": true, "LOOP": true, "WHILE": true, "REPEAT": true, "FOR": true}

// inside takes a word of an open body.
func (b *body) inside(word string) {
	start := b.start
	b.start = false
	switch {
	case word == "END" && (start || b.top() == blockCase || b.until):
		b.pop()
	case word == "UNTIL":
		b.until = b.top() == blockRepeat
	case word == "ATOMIC" && b.before == "NOT":
		b.start = true
	case word == "BEGIN":
		b.begin(start)
	case word == "CASE" && b.before == "END": // END CASE
	case flows[word] && (start || b.handler && word != "FOR"):
		b.flow(word)
	case word == "CASE":
		b.blocks = append(b.blocks, blockCase)
	case word == "THEN" || word == "ELSE":
		b.start = b.top() != blockCase
	case word == "LOOP":
		b.start = b.before != "END" // WHILE … LOOP in Oracle mode
	case word == "DO":
		b.start = !start // else it is the statement DO
	case word == "HANDLER":
		b.handler = true
	case plainHandlers[word]:
		b.handler = false
	case (word == "PROCEDURE" || word == "FUNCTION") && b.top() == blockPackage:
		b.routine = true
	case (word == "AS" || word == "IS") && b.top() == blockPackage:
		b.start = !b.routine
	}
}

// begin takes BEGIN, which opens a block where a statement begins, as a
// handler's statement, and behind the declarations of Oracle mode.
func (b *body) begin(start bool) {
	switch {
	case b.top() == blockDeclare:
		b.blocks[len(b.blocks)-1] = blockBegin
		b.start = true
	case b.top() == blockPackage && !b.routine:
		b.start = start // the package's own statements; its END ends both
	case start || b.handler || b.routine:
		b.routine = false
		b.push(blockBegin)
	}
}

// plainHandlers begin statements of handlers that hold expressions, in which
// IF is a function.
var plainHandlers = map[string]bool{
	"SET": true, "SELECT": true, "INSERT": true, "UPDATE": true, "DELETE": true, "REPLACE": true, "CALL": true, "WITH": true, "RETURN": true,
}

// flow opens a block that begins with the word.
func (b *body) flow(word string) {
	if word == "REPEAT" {
		b.push(blockRepeat)
		return
	}
	b.push(blockFlow)
	b.start = word == "LOOP"
}

func (b *body) push(k block) {
	b.state, b.start, b.handler = bodyOpen, true, false
	b.blocks = append(b.blocks, k)
}

func (b *body) pop() {
	b.until = false
	b.blocks = slices.Delete(b.blocks, len(b.blocks)-1, len(b.blocks))
	if len(b.blocks) == 0 {
		b.state = bodyPlain
	}
}

func (b *body) top() block { return b.blocks[len(b.blocks)-1] }
