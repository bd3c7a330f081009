package layout

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// liquibase reads changesets of formatted SQL, in the order of the root changelog
// or else of the paths (Liquibase, AbstractFormattedChangeLogParser). A
// changeset's version is "path::id::author".
var liquibase = adapter{
	name: Liquibase,
	signs: func(files []executor.File) signs {
		return marked(files, liquibaseHead, "begin with --liquibase formatted sql")
	},
	identify: func(Options, string) (fileName, bool) { return fileName{}, false },
	read:     readLiquibase,
	ordered:  true,
	empty:    true,
}

var (
	liquibaseHead = regexp.MustCompile(`(?i)\A(?:\x{feff})?\s*--[ \t]*liquibase[ \t]*formatted[ \t]+sql[ \t]*(.*)`)
	changeset     = regexp.MustCompile(`(?i)^\s*--\s*changeset\s+("[^"]+"|[^:"\s]+):\s*("[^"]+"|\S+)(.*)$`)
	// liquibaseLine is a line that speaks to Liquibase inside of a changeset.
	liquibaseLine = regexp.MustCompile(`(?i)^\s*--\s*(rollback|comment|preconditions|precondition-[\w-]+|property|ignoreLines|validCheckSum|changeset|ignore)(?:$|[:\s]+(.*)$)`)
	blockRollback = regexp.MustCompile(`(?i)^\s*/\*\s*liquibase\s+rollback\s*$`)
	blockEnd      = regexp.MustCompile(`^\s*\*/\s*$`)
	property      = regexp.MustCompile(`\$\{[^}\n]+\}`)
)

func readLiquibase(l *loader, files []executor.File) {
	for _, f := range l.changelogOrder(files) {
		sql, ok := l.text(f)
		if !ok {
			continue
		}
		head := liquibaseHead.FindStringSubmatch(sql)
		if head == nil {
			l.refuseLine(fault.New(fault.Invalid, "the first line is not --liquibase formatted sql").
				Then("write it there, or move the file out of the migrations folder"), f.Path, 1)
			continue
		}
		c := changelog{loader: l, path: f.Path, name: l.options.below(f.Path)}
		for _, a := range attributes(head[1]) {
			if strings.EqualFold(a.key, "logicalFilePath") {
				c.name = a.value
			} else {
				c.refuse(1, "the attribute "+a.key+" of a changelog is not supported", "take it out")
			}
		}
		c.read(sql)
	}
}

// changelog reads one file of formatted SQL.
type changelog struct {
	*loader

	path string // where the file is
	name string // what identifies its changesets
	sets []*set
	// rolling is set inside of a block that is a rollback.
	rolling bool
}

// set is a changeset as it is read.
type set struct {
	id, author string
	line       int
	offset     int // where its text begins
	end        int
	options    options
	down       []string
	// drop are the offsets of the lines that speak to Liquibase: they are no part
	// of the text.
	drop [][2]int
}

func (c *changelog) refuse(line int, message, next string) {
	c.refuseLine(fault.New(fault.Unsupported, "%s", message).Then("%s", next), c.path, line)
}

func (c *changelog) read(sql string) {
	lines(sql, func(n, offset int, text string) bool {
		c.line(n, offset, offset+len(text), text)
		return true
	})
	for i, s := range c.sets {
		s.end = len(sql)
		if i+1 < len(c.sets) {
			s.end = strings.LastIndexByte(sql[:c.sets[i+1].offset-1], '\n') + 1
		}
		c.set(sql, s)
	}
}

func (c *changelog) line(n, offset, end int, text string) {
	var current *set
	if len(c.sets) > 0 {
		current = c.sets[len(c.sets)-1]
	}
	if m := changeset.FindStringSubmatch(text); m != nil && !c.rolling {
		s := &set{author: strings.Trim(m[1], `"`), id: strings.Trim(m[2], `"`), line: n, offset: end + 1}
		s.options = c.options(n, attributes(m[3]))
		c.sets = append(c.sets, s)
		return
	}
	if current == nil {
		if l := liquibaseLine.FindStringSubmatch(text); l != nil && !strings.EqualFold(l[1], "comment") {
			c.refuse(n, "--"+l[1]+" is not supported", "take it out")
		} else if !isComment(text) {
			c.refuse(n, "the statement stands above the first --changeset", "move it below")
		}
		return
	}
	c.inside(current, n, [2]int{offset, end}, text)
}

// inside reads a line of a changeset.
func (c *changelog) inside(s *set, n int, place [2]int, text string) {
	switch l := liquibaseLine.FindStringSubmatch(text); {
	case c.rolling:
		c.rolling = !blockEnd.MatchString(text)
		if c.rolling {
			s.down = append(s.down, text)
		}
	case blockRollback.MatchString(text):
		c.rolling = true
	case l == nil:
		return
	case strings.EqualFold(l[1], "rollback"):
		s.down = append(s.down, rollback(l[2])...)
	case strings.EqualFold(l[1], "comment") || strings.EqualFold(l[1], "validCheckSum"):
	default:
		c.refuse(n, "--"+l[1]+" is not supported", "take it out; for what must not run everywhere make a folder of its own")
	}
	s.drop = append(s.drop, place)
}

// rollback is a line of SQL, or one of the words that mean there is none, or the
// name of another changeset, which is no SQL.
func rollback(text string) []string {
	word := strings.ToLower(strings.TrimSpace(text))
	if word == "empty" || word == "not required" || strings.HasPrefix(word, "changesetid:") {
		return nil
	}
	return []string{strings.TrimSpace(text)}
}

// set adds a changeset.
func (c *changelog) set(sql string, s *set) {
	o := s.options
	if o.refused || o.elsewhere {
		return
	}
	start := min(s.offset, s.end)
	text := []byte(sql[start:s.end])
	var plain []byte // without the lines that are dropped
	at := start
	for _, d := range s.drop {
		plain = append(plain, sql[at:d[0]]...)
		at = min(d[1]+1, s.end)
		for i := d[0]; i < d[1]; i++ {
			text[i-start] = ' '
		}
	}
	plain = append(plain, sql[at:s.end]...)
	full := sql[:start] + string(text)
	if at := property.FindStringIndex(string(text)); at != nil {
		c.refuse(line(full, start+at[0]), "the property "+string(text[at[0]:at[1]])+" has no value here", "write its value")
		return
	}
	if o.delimiter == "/" && !slashesAlone(string(text)) {
		c.refuse(s.line, "endDelimiter:/ is not supported in a text with other slashes", "use another delimiter")
		return
	}
	before, up := section(full, start, len(full))
	m := executor.Migration{
		Version: strings.Join([]string{c.name, s.id, s.author}, "::"), Name: s.id, Path: c.path,
		NoTransaction: o.noTransaction, Down: strings.TrimSpace(strings.Join(s.down, "\n")),
		Checksum: executor.Checksum([]byte(strings.TrimSpace(string(plain)))),
	}
	m.Form.Delimiter = o.delimiter
	if o.onChange {
		m.Kind = executor.Repeatable
	}
	c.addAt(m, s.line, before, up)
}

// addAt adds a changeset whose faults are found by its line.
func (l *loader) addAt(m executor.Migration, line int, before, text string) {
	// A version is refused for both kinds: a changeset has one identity.
	for _, kind := range []executor.Kind{executor.Versioned, executor.Repeatable} {
		k := key{kind: kind, version: m.Version}
		if other, taken := l.taken[k]; taken {
			l.refuseLine(fault.New(fault.Invalid, "the changeset %s is in %s already", m.Version, other).Then("give one of them another id"), m.Path, line)
			return
		}
	}
	l.add(m, before, text)
}

// slashesAlone says that slashes stand on lines of their own only: there Liquibase
// takes them for the end of a statement.
func slashesAlone(text string) bool {
	for _, l := range strings.Split(text, "\n") {
		if strings.Contains(l, "/") && strings.TrimSpace(l) != "/" {
			return false
		}
	}
	return true
}

// attribute is key:value of a --changeset line.
type attribute struct{ key, value string }

var attributeWord = regexp.MustCompile(`([\w-]+):\s*("[^"]*"|\S*)|(\S+)`)

func attributes(text string) (all []attribute) {
	for _, m := range attributeWord.FindAllStringSubmatch(text, -1) {
		if m[3] != "" {
			all = append(all, attribute{key: m[3]})
			continue
		}
		all = append(all, attribute{m[1], strings.Trim(m[2], `"`)})
	}
	return all
}

// options are what attributes mean here.
type options struct {
	onChange, noTransaction bool
	elsewhere               bool // it is for another product, or ignored: it runs nowhere here
	delimiter               string
	refused                 bool
}

// plainDelimiter has no meaning in Liquibase's regular expressions but itself.
var plainDelimiter = regexp.MustCompile(`^(?:[;/@#%&~!]+|\$\$)$`)

func (c *changelog) options(line int, all []attribute) (o options) {
	for _, a := range all {
		if next := o.take(a, c.loader); next != "" {
			c.refuse(line, "the attribute "+strings.TrimSuffix(a.key+":"+a.value, ":")+" of a changeset is not supported", next)
			o.refused = true
		}
	}
	return o
}

// take honours an attribute, or says what to do instead.
func (o *options) take(a attribute, l *loader) (next string) {
	yes, err := strconv.ParseBool(a.value)
	is := func(key string) bool { return strings.EqualFold(a.key, key) }
	switch {
	case is("stripComments"), is("splitStatements"), is("rollbackSplitStatements"), is("objectQuotingStrategy"), is("created"),
		is("runAlways") && err == nil && !yes, is("failOnError") && err == nil && yes, is("runWith") && strings.EqualFold(a.value, "jdbc"),
		is("rollbackEndDelimiter") && a.value == ";": // statements are found by what they are, so how they are cut changes nothing
	case is("endDelimiter") && plainDelimiter.MatchString(a.value):
		o.delimiter = strings.TrimPrefix(a.value, ";")
	case is("runOnChange") && err == nil:
		o.onChange = yes
	case is("runInTransaction") && err == nil:
		o.noTransaction = !yes
	case is("ignore") && err == nil:
		o.elsewhere = o.elsewhere || yes
	case is("dbms") && l.dbms(a.value) != unknown:
		o.elsewhere = o.elsewhere || l.dbms(a.value) == no
	case is("runAlways"):
		return "each migration runs once: use runOnChange, or run it beside ShipSQL"
	case is("context"), is("contexts"), is("contextFilter"), is("labels"):
		return "nobody says here which of them hold: make a folder for what must not run everywhere"
	default:
		return "take it out"
	}
	return ""
}

// answer is yes, no, or can't be told.
type answer int

const (
	unknown answer = iota
	yes
	no
)

// dbms says whether a changeset's products include the folder's. MySQL's and
// MariaDB's dialect is one, so they must agree.
func (l *loader) dbms(list string) answer {
	if l.options.Dialect == "mysql" {
		mysql, mariadb := named(list, "mysql"), named(list, "mariadb")
		if mysql != mariadb {
			return unknown
		}
		return mysql
	}
	return named(list, "postgresql")
}

// named reads a list of products: "a,b" are those, "!a" are all others.
func named(list, product string) answer {
	var words []string
	for _, w := range strings.Split(list, ",") {
		words = append(words, strings.ToLower(strings.TrimSpace(w)))
	}
	excluding := slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, "!") })
	switch {
	case slices.Contains(words, product), slices.Contains(words, "all"):
		return yes
	case slices.Contains(words, "!"+product), slices.Contains(words, "none"), !excluding:
		return no
	}
	return yes
}
