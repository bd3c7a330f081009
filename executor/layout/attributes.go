package layout

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor/script"
)

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
	if l.options.Dialect == script.MySQL {
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
	for w := range strings.SplitSeq(list, ",") {
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
