package layout

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
)

// liquibase reads changesets of formatted SQL, in the order of the root changelog
// or else of the paths (Liquibase, AbstractFormattedChangeLogParser). A
// changeset's version is "path::id::author".
var liquibase = adapter{
	name: Liquibase,
	signs: func(files []executor.File) signs {
		return marked(files, liquibaseHead.MatchString, "begin with --liquibase formatted sql")
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
	leads   int // empty lines before all the changesets' texts
}

// Each changeset's text keeps its place by empty lines before it, so their number
// and size are bounded.
const (
	maxChangesets = 10_000
	maxLeads      = 64 << 20
)

// set is a changeset as it is read.
type set struct {
	id, author string
	line       int // of its --changeset, which begins at head
	head       int
	offset     int // where its text begins
	options    options
	down       []string
	downLine   int // of the first of down
	// drop are the offsets of the lines that speak to Liquibase: they are no part
	// of the text
	drop [][2]int
}

func (c *changelog) refuse(line int, message, next string) {
	c.refuseLine(fault.New(fault.Unsupported, "%s", message).Then("%s", next), c.path, line)
}

func (c *changelog) read(sql string) {
	lines(sql, func(n, offset int, text string) bool {
		c.line(n, offset, offset+len(text), text)
		return len(c.sets) <= maxChangesets
	})
	if len(c.sets) > maxChangesets {
		c.refuse(1, "the file has more than "+strconv.Itoa(maxChangesets)+" changesets", "split it")
		return
	}
	before := lead{}
	if len(c.sets) > 0 {
		before.text = sql[:c.sets[0].head]
	}
	for i, s := range c.sets {
		end := len(sql)
		if i+1 < len(c.sets) {
			end = c.sets[i+1].head
		}
		c.set(c.blanked(sql[:end], s), s, before)
		before.text = ""
	}
}

// blanked is the text of the changeset at the end, in which what speaks to
// Liquibase is blank.
func (c *changelog) blanked(sql string, s *set) string {
	var pieces []string
	at := min(s.offset, len(sql))
	for _, d := range s.drop {
		pieces = append(pieces, sql[at:d[0]], strings.Repeat(" ", d[1]-d[0]))
		at = d[1]
	}
	return c.join(c.path, append(pieces, sql[at:])...)
}

func (c *changelog) line(n, offset, end int, text string) {
	var current *set
	if len(c.sets) > 0 {
		current = c.sets[len(c.sets)-1]
	}
	if m := changeset.FindStringSubmatch(text); m != nil && !c.rolling {
		s := &set{author: strings.Trim(m[1], `"`), id: strings.Trim(m[2], `"`), line: n, head: offset, offset: end + 1}
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
			s.undone(n, text)
		}
	case blockRollback.MatchString(text):
		c.rolling = true
	case l == nil:
		return
	case strings.EqualFold(l[1], "rollback"):
		if sql := rollback(l[2]); sql != "" {
			s.undone(n, sql)
		}
	case strings.EqualFold(l[1], "comment") || strings.EqualFold(l[1], "validCheckSum"):
	default:
		c.refuse(n, "--"+l[1]+" is not supported", "take it out; for what must not run everywhere make a folder of its own")
	}
	s.drop = append(s.drop, place)
}

// rollback is a line of SQL, or one of the words that mean there is none, or the
// name of another changeset, which is no SQL.
func rollback(text string) string {
	word := strings.ToLower(strings.TrimSpace(text))
	if word == "empty" || word == "not required" || strings.HasPrefix(word, "changesetid:") {
		return ""
	}
	return strings.TrimSpace(text)
}

func (s *set) undone(line int, sql string) {
	if len(s.down) == 0 {
		s.downLine = line
	}
	s.down = append(s.down, sql)
}

// undo is the text of the rollback, in its place.
func (s *set) undo() string {
	text := strings.TrimRight(strings.Join(s.down, "\n"), " \t\r\n")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return strings.Repeat("\n", s.downLine-1) + text
}

// set adds a changeset with its text.
func (c *changelog) set(sql string, s *set, before lead) {
	o := s.options
	if o.refused || o.elsewhere {
		return
	}
	above, up := section(sql, 0, len(sql))
	before.lines = s.line + spool.Count(above, "\n")
	if c.leads += before.lines; c.leads > maxLeads {
		c.refuse(s.line, "the file has too many lines for so many changesets", "split it")
		return
	}
	if at := findIn(property, up); at != nil {
		c.refuse(before.lines+line(up, at[0]), "the property "+up[at[0]:at[1]]+" has no value here", "write its value")
		return
	}
	if o.delimiter == "/" && !slashesAlone(up) {
		c.refuse(s.line, "endDelimiter:/ is not supported in a text with other slashes", "use another delimiter")
		return
	}
	m := executor.Migration{
		Version: strings.Join([]string{c.name, s.id, s.author}, "::"), Name: s.id, Path: c.path,
		NoTransaction: o.noTransaction, Down: s.undo(),
		Checksum: executor.Checksum(c.withoutBlanks(up)),
	}
	m.Form.Delimiter = o.delimiter
	if o.onChange {
		m.Kind = executor.Repeatable
	}
	c.addAt(m, s.line, before, up)
}

// withoutBlanks leaves out the lines that hold nothing, among them those that
// speak to Liquibase: they are no part of the change.
func (c *changelog) withoutBlanks(text string) string {
	var kept []string
	start, blank := 0, false // of the lines since the last blank one
	lines(text, func(_, offset int, l string) bool {
		was := blank
		blank = strings.TrimSpace(l) == ""
		switch {
		case blank && !was:
			kept = append(kept, text[start:offset])
		case was && !blank:
			start = offset
		}
		return true
	})
	if !blank {
		kept = append(kept, text[start:])
	}
	return strings.TrimSuffix(c.join(c.path, kept...), "\n")
}

// addAt adds a changeset whose faults are found by its line.
func (l *loader) addAt(m executor.Migration, line int, before lead, text string) {
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
	alone := true
	lines(text, func(_, _ int, l string) bool {
		alone = !strings.Contains(l, "/") || strings.TrimSpace(l) == "/"
		return alone
	})
	return alone
}
