package mysql

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/mysql/syntax"
	"github.com/shipsql/shipsql/executor/mysql/token"
)

// needs are what migrations do and the privileges that it takes. The first two
// are the ledger's and every migration's.
var needs = []struct {
	what, why  string
	needed     bool
	privileges []string
}{
	{"read and write rows", "the ledger in the database records what was applied, so nothing can be applied without it", true,
		[]string{"SELECT", "INSERT", "UPDATE", "DELETE"}},
	{"create, change and drop tables", "the ledger's tables can't be made, and hardly any migration can be applied", true,
		[]string{"CREATE", "ALTER", "DROP", "INDEX"}},
	{"make foreign keys", "migrations with foreign keys fail", false, []string{"REFERENCES"}},
	{"make views", "migrations with views fail", false, []string{"CREATE VIEW", "SHOW VIEW"}},
	{"make triggers", "migrations with triggers fail", false, []string{"TRIGGER"}},
	{"make and call stored routines", "migrations with procedures or functions fail", false, []string{"CREATE ROUTINE", "ALTER ROUTINE", "EXECUTE"}},
	{"make events", "migrations with events fail", false, []string{"EVENT"}},
}

// scratchPrefix begins the names of the databases that replays run in.
const scratchPrefix = "shipsql_scratch_"

// scratchNeeds are what a replay does there.
var scratchNeeds = []string{"CREATE", "ALTER", "DROP", "INDEX", "REFERENCES", "CREATE VIEW", "TRIGGER", "CREATE ROUTINE"}

// grant is one line of SHOW GRANTS.
type grant struct {
	privileges []string // in upper case; ALL PRIVILEGES
	schema     string   // a pattern, * for all
	table      string   // * for all
	to         string   // the login, or a role
}

// grants finds what migrations need and the login lacks, and what it may change.
func (i *inspector) grants(ctx context.Context) error {
	lines, err := i.showGrants(ctx)
	if err != nil {
		return err
	}
	all := effective(lines, i.Database)
	pattern := escapedPattern(i.Database)
	for _, g := range all {
		if strings.Contains(g.to, "@") && g.schema != "*" && g.table == "*" {
			pattern = syntax.Quote(g.schema) // one for the name itself would push this one aside
		}
	}
	for _, n := range needs {
		missing := slices.DeleteFunc(slices.Clone(n.privileges), func(p string) bool { return may(all, p) })
		if len(missing) > 0 {
			i.Lacks = append(i.Lacks, executor.Privilege{
				What: n.what + " in the database " + i.Database, Why: n.why, Needed: n.needed,
				Grant: []string{fmt.Sprintf("GRANT %s ON %s.* TO %s", strings.Join(missing, ", "), pattern, account(i.Login))},
			})
		}
	}
	if scratch := effective(lines, scratchPrefix); slices.ContainsFunc(scratchNeeds, func(p string) bool { return !may(scratch, p) }) {
		i.Lacks = append(i.Lacks, executor.Privilege{
			What:  "make scratch databases (" + scratchPrefix + "…)",
			Why:   "a schema change that a crash cut off can't be foreseen by replaying it, so more outcomes are left to a person's resolve",
			Grant: []string{"GRANT ALL ON " + syntax.Quote(strings.ReplaceAll(scratchPrefix, "_", `\_`)+"%") + ".* TO " + account(i.Login)},
		})
	}
	i.Writes = writes(all)
	return nil
}

// showGrants asks for the login's grants. MySQL tells those of roles only when
// they are named.
func (i *inspector) showGrants(ctx context.Context) (lines []string, err error) {
	query := "SHOW GRANTS"
	if i.facts.flavour() == syntax.MySQL {
		var roles string
		if err := i.session.QueryRowContext(ctx, "SELECT CURRENT_ROLE()").Scan(&roles); err != nil {
			return nil, err
		}
		if roles != "NONE" {
			query += " FOR CURRENT_USER() USING " + roles
		}
	}
	err = i.session.each(ctx, func(scan func(...any) error) error {
		var line string
		err := scan(&line)
		lines = append(lines, line)
		return err
	}, query)
	return lines, err
}

var (
	grantLine  = regexp.MustCompile("^GRANT (.+?) ON (?:TABLE )?(\\*|`(?:[^`]|``)+`)\\.(\\*|`(?:[^`]|``)+`) TO ([^ ]+)")
	columnList = regexp.MustCompile(`\s*\([^)]*\)`)
)

// parseGrant reads a line of SHOW GRANTS; those of roles, proxies and routines
// are none of ours.
func parseGrant(line string) (grant, bool) {
	m := grantLine.FindStringSubmatch(line)
	if m == nil {
		return grant{}, false
	}
	g := grant{schema: token.Unquote(m[2]), table: token.Unquote(m[3]), to: m[4]}
	for p := range strings.SplitSeq(columnList.ReplaceAllString(m[1], ""), ",") {
		g.privileges = append(g.privileges, strings.ToUpper(strings.TrimSpace(p)))
	}
	return g, true
}

// effective are the grants that count on a schema: of those for patterns of
// schemas only the closest one of each grantee does, whatever the others give.
// https://dev.mysql.com/doc/refman/8.4/en/request-access.html
func effective(lines []string, schema string) []grant {
	var all []grant
	closest := map[string]grant{}
	for _, line := range lines {
		g, ok := parseGrant(line)
		switch {
		case !ok || !g.covers(schema):
		case g.schema == "*" || g.table != "*":
			all = append(all, g)
		case closest[g.to].to == "" || g.literal() > closest[g.to].literal():
			closest[g.to] = g
		}
	}
	for _, to := range slices.Sorted(maps.Keys(closest)) {
		all = append(all, closest[to])
	}
	return all
}

// literal is how much of the pattern stands before its first wildcard.
func (g grant) literal() int {
	for i := 0; i < len(g.schema); i++ {
		switch g.schema[i] {
		case '\\':
			i++
		case '_', '%':
			return i
		}
	}
	return len(g.schema) + 1
}

// covers says whether the grant is for the schema: * is all, and in a name, _
// and % stand for others unless a backslash takes that away.
func (g grant) covers(schema string) bool {
	if g.schema == "*" {
		return true
	}
	var pattern strings.Builder
	for i := 0; i < len(g.schema); i++ {
		switch c := g.schema[i]; {
		case c == '\\' && i+1 < len(g.schema):
			i++
			pattern.WriteString(regexp.QuoteMeta(g.schema[i : i+1]))
		case c == '_':
			pattern.WriteString(".")
		case c == '%':
			pattern.WriteString(".*")
		default:
			pattern.WriteString(regexp.QuoteMeta(g.schema[i : i+1]))
		}
	}
	matches, err := regexp.MatchString("(?is)^"+pattern.String()+"$", schema)
	return err == nil && matches
}

func (g grant) has(privilege string) bool {
	return slices.Contains(g.privileges, privilege) || slices.Contains(g.privileges, "ALL PRIVILEGES")
}

// may says whether the login has a privilege on every table of the schema.
func may(all []grant, privilege string) bool {
	return slices.ContainsFunc(all, func(g grant) bool { return g.table == "*" && g.has(privilege) })
}

// writing are the privileges that change something.
var writing = []string{"INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "TRIGGER", "CREATE VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "EVENT", "SUPER"}

// writes lists what the login may change, for one that is meant to read.
func writes(all []grant) []string {
	var found []string
	for _, g := range all {
		if g.has("ALL PRIVILEGES") && g.schema == "*" {
			return []string{"everything on the server"}
		}
		where := "the database"
		switch {
		case g.table != "*":
			where = "the table " + g.table
		case g.schema == "*":
			where = "every database"
		}
		if had := slices.DeleteFunc(slices.Clone(writing), func(p string) bool { return !g.has(p) }); len(had) > 0 {
			found = append(found, strings.Join(had, ", ")+" in "+where)
		}
	}
	return found
}

// escapedPattern is a database's name where GRANT takes a pattern.
func escapedPattern(schema string) string {
	return syntax.Quote(strings.NewReplacer(`\`, `\\`, "_", `\_`, "%", `\%`).Replace(schema))
}

// account is what CURRENT_USER() says, quoted: 'user'@'host'.
func account(login string) string {
	at := strings.LastIndexByte(login, '@')
	if at < 0 {
		return "'" + login + "'"
	}
	escape := strings.NewReplacer(`\`, `\\`, "'", "''").Replace
	return "'" + escape(login[:at]) + "'@'" + escape(login[at+1:]) + "'"
}
