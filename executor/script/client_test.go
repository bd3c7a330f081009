package script_test

import (
	"context"
	"encoding/hex"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/privateserver"
)

// client is the mariadb program, on a server that notes what it is sent.
type client struct {
	t    *testing.T
	args []string
}

func newClient(t *testing.T) client {
	t.Helper()
	server := privateserver.OwnMariaDB(t, privateserver.MariaDBOptions{Relaxed: true, Settings: map[string]string{"log_output": "TABLE", "general_log": "1"}})
	u, err := url.Parse(server.SocketURL(""))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return client{t, []string{
		"--no-defaults", "--comments", "--force", "--batch", "--raw", "--skip-column-names",
		"--socket=" + u.Query().Get("socket"), "--user=" + u.User.Username(), "--password=" + password,
	}}
}

// run goes on after statements that fail.
func (c client) run(ctx context.Context, sql string) string {
	cmd := exec.CommandContext(ctx, "mariadb", c.args...)
	cmd.Stdin = strings.NewReader(sql)
	out, _ := cmd.Output()
	return string(out)
}

// sent is what the client makes of a script.
func (c client) sent(ctx context.Context, sql string) []string {
	c.run(ctx, "TRUNCATE mysql.general_log;")
	c.run(ctx, sql)
	log := c.run(ctx, "SELECT hex(argument) FROM mysql.general_log WHERE command_type = 'Query' AND argument NOT LIKE '%general_log%' ORDER BY event_time;")
	var all []string
	for line := range strings.FieldsSeq(log) {
		text, err := hex.DecodeString(line)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, string(text))
	}
	return all
}

// simple are statements that end at their first semicolon outside of quotes.
var simple = []string{
	"select 1", "select 'a;''b'", `select 'a\';', "b\";"`, "select 1 as `a;``b`", "select 1 # it's;\n + 1", "select /* ; ' */ 2",
	"select 1 -- ;'\n + 2", "select 3--1", `set @a = 'x\\'`, "/*!50001 select 5 */", "select '--', '#', '/*'", "select \"it's\", 'say \"x\"'", "select 'é;', \"€\"",
	"begin", "commit", "select case when 1 then 2 end", "drop table if exists test.nothing",
}

// scripts mixes them with programs where another delimiter allows it. Before a
// DELIMITER line stands nothing: with a blank or a comment left over, the
// client overlooks it.
var scripts = rapid.Custom(func(t *rapid.T) string {
	var b strings.Builder
	delimiter := ";"
	change := false
	for range rapid.IntRange(20, 60).Draw(t, "statements") {
		if change {
			delimiter = rapid.SampledFrom([]string{";", "//", "$$", "|", ";;"}).Draw(t, "delimiter")
			b.WriteString(rapid.SampledFrom([]string{"delimiter ", "DELIMITER  ", "Delimiter\t"}).Draw(t, "word") + delimiter + "\n")
		}
		kind := simple
		if delimiter != ";" && rapid.Bool().Draw(t, "program") {
			kind = programs
		}
		b.WriteString(rapid.SampledFrom(kind).Draw(t, "statement"))
		b.WriteString(rapid.SampledFrom([]string{"\n", " "}).Draw(t, "before") + delimiter) // the client reads *// as an end and half a comment
		if change = rapid.IntRange(0, 4).Draw(t, "change") == 0; change {
			b.WriteString("\n")
			continue
		}
		b.WriteString(rapid.SampledFrom([]string{"\n", " ", " -- c;'\n", " # c'\n", "\n/* c; */\n", "\n\n"}).Draw(t, "after"))
	}
	return b.String()
})

func TestTheClientSendsWhatSplitFinds(t *testing.T) {
	c := newClient(t)
	total := 0
	for seed := range 12 {
		sql := scripts.Example(seed)
		var got []string
		for _, text := range c.sent(t.Context(), sql) {
			// The client leaves the comments around a statement to the server.
			got = append(got, texts(script.Form{Dialect: script.MySQL, Delimiter: "☃"}.Split(text))...)
		}
		want := texts(mysqlForm.Split(sql))
		total += len(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n(-split +client)\n%s", sql, diff)
		}
	}
	if total < 200 {
		t.Errorf("only %d statements were compared", total)
	}
}
