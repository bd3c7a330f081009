package torture_test

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// statement is one statement of a story.
type statement struct {
	SQL  string
	Kind string // for the figures
	// Doubtful says that execution.md lets an engine call the outcome ambiguous:
	// §6.4.7 on MySQL, §6.3's "anything else" on PostgreSQL.
	Doubtful bool
	// Parts are the effects of a statement that may be cut between them, in order.
	// A statement without parts is one effect.
	Parts []part
	// Silent says that nothing of the effect is to be seen, so that running the
	// statement again does no harm.
	Silent bool
	// Delimited says that the file has a DELIMITER line around it.
	Delimited bool
}

// part is one effect of a statement.
type part struct {
	SQL  string // has the effect alone
	Done string // a query for one number: 1 when the effect is there, else 0
}

// piece is what stays together in one file.
type piece struct {
	statements []statement
	own        bool   // a file to itself
	head       string // its first line
}

// scene is a tale about objects of its own, told by their number. Its pieces come
// in order; other scenes' may come between them. The counters 10n to 10n+9 are
// the scene's.
type scene func(n int) []piece

// one is a piece of one statement.
func one(kind, sql string) piece { return piece{statements: []statement{{SQL: sql, Kind: kind}}} }

// doubtful is the same with a statement whose outcome may be ambiguous.
func doubtful(kind, sql string, parts ...part) piece {
	return piece{statements: []statement{{SQL: sql, Kind: kind, Doubtful: true, Parts: parts}}}
}

// silent is the same with a statement that may as well run twice.
func silent(kind, sql string) piece {
	return piece{statements: []statement{{SQL: sql, Kind: kind, Silent: true}}}
}

// count adds to a scene's counter: a statement that must not run twice.
func count(counter int) string {
	return fmt.Sprintf("UPDATE tally SET n = n + 1 WHERE id = %d", counter)
}

// told fills in a scene's number: $N is the number, $0 to $9 are its counters.
func told(n int, pieces ...piece) []piece {
	numbers := []string{"$N", fmt.Sprint(n)}
	for i := range 10 {
		numbers = append(numbers, fmt.Sprintf("$%d", i), fmt.Sprint(10*n+i))
	}
	fill := strings.NewReplacer(numbers...)
	for _, p := range pieces {
		for i, s := range p.statements {
			p.statements[i].SQL = fill.Replace(s.SQL)
			for j, effect := range s.Parts {
				s.Parts[j] = part{fill.Replace(effect.SQL), fill.Replace(effect.Done)}
			}
		}
	}
	return pieces
}

// story is a folder of migrations with what is known about its statements.
type story struct {
	files      []file
	statements []statement // of all files
	wayBack    bool        // all files but the first can be undone
}

// file is one migration.
type file struct {
	migration executor.Migration
	first     int // index of its first statement in the story
	count     int // of statements
}

// teller makes stories of a product, one after the other: all scenes come up
// before one comes again.
type teller struct {
	product product
	dice    *rand.Rand
	deck    []scene
}

// database stands for the name of the database that a statement runs in.
const database = "«database»"

const scenesPerStory = 5

// next tells a story for a database.
func (t *teller) next(target string) *story {
	lines := [][]piece{}
	for n := range scenesPerStory {
		lines = append(lines, t.deal()(n+1))
	}
	pieces := []piece{one("CREATE TABLE", "CREATE TABLE tally (id int PRIMARY KEY, n bigint NOT NULL)"), one("INSERT", counters())}
	return t.bind(append(pieces, t.weave(lines)...), target)
}

// counters makes the counters of all scenes.
func counters() string {
	var rows []string
	for i := range 10 * (scenesPerStory + 1) {
		rows = append(rows, fmt.Sprintf("(%d, 0)", i))
	}
	return "INSERT INTO tally VALUES " + strings.Join(rows, ", ")
}

func (t *teller) deal() scene {
	if len(t.deck) == 0 {
		t.deck = append(t.deck, t.product.scenes...)
		t.dice.Shuffle(len(t.deck), func(i, j int) { t.deck[i], t.deck[j] = t.deck[j], t.deck[i] })
	}
	dealt := t.deck[0]
	t.deck = t.deck[1:]
	return dealt
}

// weave interleaves scenes at random.
func (t *teller) weave(lines [][]piece) (woven []piece) {
	for len(lines) > 0 {
		i := t.dice.IntN(len(lines))
		woven = append(woven, lines[i][0])
		if lines[i] = lines[i][1:]; len(lines[i]) == 0 {
			lines = append(lines[:i], lines[i+1:]...)
		}
	}
	return woven
}

// bind cuts pieces into files.
func (t *teller) bind(pieces []piece, target string) *story {
	s := &story{}
	room := 0
	for _, p := range pieces {
		if room <= 0 || p.own {
			head := p.head
			if !p.own && t.dice.IntN(4) == 0 && len(t.product.heads) > 0 {
				head = t.product.heads[t.dice.IntN(len(t.product.heads))]
			}
			s.files = append(s.files, file{first: len(s.statements)})
			s.files[len(s.files)-1].migration.SQL = head
			room = 1 + t.dice.IntN(7)
		}
		s.add(p)
		room -= len(p.statements)
		if p.own {
			room = 0
		}
	}
	for i := range s.files {
		m := &s.files[i].migration
		m.SQL = strings.ReplaceAll(m.SQL, database, target)
		s.files[i].finish(i+1, t.product)
	}
	return s
}

func (s *story) add(p piece) {
	f := &s.files[len(s.files)-1]
	for _, statement := range p.statements {
		text := statement.marked() + ";\n"
		if statement.Delimited {
			text = "DELIMITER //\n" + statement.marked() + "\n//\nDELIMITER ;\n"
		}
		f.migration.SQL += text
		f.count++
		s.statements = append(s.statements, statement)
	}
}

// mark is in every statement of a story and in nothing that an engine sends of
// its own; delicate is in those where a cut hurts most.
const (
	mark     = "/* of the story"
	delicate = ", delicate"
)

// marked is the statement's text in a file.
func (s statement) marked() string {
	verb, rest, _ := strings.Cut(s.SQL, " ")
	if s.delicate() {
		return verb + " " + mark + delicate + " */ " + rest
	}
	return verb + " " + mark + " */ " + rest
}

// delicate says that the statement shares no transaction with its step, and is
// more than one change of one thing.
func (s statement) delicate() bool {
	return s.Doubtful || strings.Contains(s.SQL, "CONCURRENTLY")
}

func (f *file) finish(number int, p product) {
	m := &f.migration
	m.Version, m.Name, m.Path = fmt.Sprint(number), "story", fmt.Sprintf("%d_story.sql", number)
	m.Kind, m.Change, m.Checksum = executor.Versioned, executor.DDL, executor.Checksum([]byte(m.SQL))
	m.Form = p.form
}

func (s *story) migrations() []executor.Migration {
	all := make([]executor.Migration, len(s.files))
	for i, f := range s.files {
		all[i] = f.migration
	}
	return all
}

// String is the folder as text, for people.
func (s *story) String() string {
	var b strings.Builder
	for _, f := range s.files {
		fmt.Fprintf(&b, "== %s\n%s", f.migration.Path, f.migration.SQL)
	}
	return b.String()
}

// at finds the statement n of a version, from 1: its index in the story.
func (s *story) at(version string, n int) (int, bool) {
	for _, f := range s.files {
		if f.migration.Version == version && n >= 1 && n <= f.count {
			return f.first + n - 1, true
		}
	}
	return 0, false
}
