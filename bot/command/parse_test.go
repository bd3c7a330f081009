package command_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/bot/command"
)

var github = command.Grammar{
	Mentions:     []string{"shipsql", "shipsql[bot]"},
	Bare:         true,
	Environments: []string{"test", "staging", "prod"},
}

// understood are the commands of a body; it fails on a problem.
func understood(t *testing.T, g command.Grammar, body string) []command.Command {
	t.Helper()
	var commands []command.Command
	for _, l := range g.Parse(body) {
		if l.Problem != nil {
			t.Fatalf("%q: %s", l.Text, l.Problem.Message)
		}
		commands = append(commands, *l.Command)
	}
	return commands
}

func TestACommandIsUnderstood(t *testing.T) {
	approve := command.Command{Name: command.Approve, Environment: "prod"}
	earlier := command.Command{Name: command.Approve, Environment: "prod", WithEarlier: true}
	despite := command.Command{Name: command.Approve, Environment: "prod", DespiteFindings: "we measured it"}
	reject := command.Command{Name: command.Reject, Environment: "prod", Reason: "it's too late"}
	for body, want := range map[string]command.Command{
		"/shipsql approve prod":                             approve,
		"@shipsql approve prod":                             approve,
		"@shipsql[bot] approve prod":                        approve,
		"@shipsql, approve prod":                            approve,
		"@shipsql: /approve prod":                           approve,
		"/approve prod":                                     approve,
		"   /approve prod   ":                               approve,
		"/Approve PROD":                                     approve,
		"/ShipSQL Approve Prod":                             approve,
		"/approve\u00a0prod":                                approve,
		"\u200b/approve\u200b prod\ufeff":                   approve,
		"/approve <!-- hi --> prod":                         approve,
		"/approve prod --with-earlier":                      earlier,
		"/approve --with-earlier prod":                      earlier,
		"/approve prod —with-earlier":                       earlier,
		"/approve prod –with‑earlier":                       earlier,
		"/approve prod −−with−earlier":                      earlier,
		"/approve prod --WITH-EARLIER":                      earlier,
		"/shipsql approve prod -with-earlier":               earlier,
		`/approve prod --despite-findings "we measured it"`: despite,
		`/approve prod --despite-findings="we measured it"`: despite,
		`/approve prod —despite–findings “we measured it”`:  despite,
		`/approve prod --despite-findings 'we measured it'`: despite,
		`/approve prod --despite-findings we measured it`:   despite,
		`/approve --despite-findings "we measured it" prod`: despite,
		"/reject prod it's too late":                        reject,
		`/reject prod "it's too late"`:                      reject,
		`/reject prod 'it's too late'`:                      reject,
		"/reject prod":                                      {Name: command.Reject, Environment: "prod"},
		"/retry":                                            {Name: command.Retry},
		"/retry prod":                                       {Name: command.Retry, Environment: "prod"},
		"/retry prod failed":                                {Name: command.Retry, Environment: "prod", Only: "failed"},
		"/retry failed":                                     {Name: command.Retry, Only: "failed"},
		"/retry prod orders-eu":                             {Name: command.Retry, Environment: "prod", Only: "orders-eu"},
		"/skip 20260102 prod by hand":                       {Name: command.Skip, Version: "20260102", Environment: "prod", Reason: "by hand"},
		`/accept-edit migrations/1_a.sql "a typo"`:          {Name: command.AcceptEdit, File: "migrations/1_a.sql", Reason: "a typo"},
		`/accept–edit "migrations/1 a.sql" a typo`:          {Name: command.AcceptEdit, File: "migrations/1 a.sql", Reason: "a typo"},
		"/resolve 1.2#3 applied":                            {Name: command.Resolve, Version: "1.2", Statement: 3, Decision: "applied"},
		"/resolve 1.2#3 Retry":                              {Name: command.Resolve, Version: "1.2", Statement: 3, Decision: "retry"},
		"/resolve 1.2#3 retry orders-eu":                    {Name: command.Resolve, Version: "1.2", Statement: 3, Decision: "retry", Only: "orders-eu"},
		"/approve prod —release 01J":                        {Name: command.Approve, Environment: "prod", Release: "01J"},
		"/cancel --release=01J test":                        {Name: command.Cancel, Environment: "test", Release: "01J"},
		"/cancel test":                                      {Name: command.Cancel, Environment: "test"},
		"/waive index-not-concurrent the table is empty":    {Name: command.Waive, Rule: "index-not-concurrent", Reason: "the table is empty"},
		"/review":       {Name: command.Review},
		"/status":       {Name: command.Status},
		"/shipsql help": {Name: command.Help},
		"/shipsql":      {Name: command.Help},
		"@shipsql":      {Name: command.Help},
	} {
		if diff := cmp.Diff([]command.Command{want}, understood(t, github, body)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", body, diff)
		}
	}
}

func TestSeveralCommandsKeepTheirOrder(t *testing.T) {
	body := "Looks good to me!\r\n/approve test\r\nand then\r\n/shipsql approve prod --with-earlier\r\n"
	want := []command.Command{
		{Name: command.Approve, Environment: "test"},
		{Name: command.Approve, Environment: "prod", WithEarlier: true},
	}
	if diff := cmp.Diff(want, understood(t, github, body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALineThatIsNotACommandIsIgnored(t *testing.T) {
	for name, body := range map[string]string{
		"prose":                    "please /approve prod",
		"prose with the mention":   "thanks @shipsql approve prod",
		"list item":                "- /approve prod",
		"quote":                    "> /approve prod",
		"quote in a list":          "- > said\n/approve prod",
		"quote of a quote":         ">> /approve prod",
		"lazy continuation":        "> he wrote\n/approve prod",
		"fence":                    "```\n/approve prod\n```",
		"fence with a language":    "```sh\n/approve prod\n```",
		"tilde fence":              "~~~\n/approve prod\n~~~",
		"longer fence":             "````\n```\n/approve prod\n````",
		"fence of the other kind":  "```\n~~~\n/approve prod\n```",
		"open fence":               "```\n/approve prod",
		"fence in a list":          "- ```\n  /approve prod\n  ```",
		"fence in a numbered list": "1. ~~~\n   /approve prod\n   ~~~",
		"not a closing fence":      "```\n    ```\n/approve prod\n```",
		"not a closing fence 2":    "```\n``` x\n/approve prod\n```",
		"fence after a quote":      "> a\n```\n\n/approve prod\n```",
		"indented code":            "    /approve prod",
		"indented by a tab":        "\t/approve prod",
		"HTML comment":             "<!-- /approve prod -->",
		"HTML comment over lines":  "<!--\n/approve prod\n-->",
		"open HTML comment":        "a <!-- b\n/approve prod",
		"end of an HTML comment":   "<!-- a\n--> /approve prod",
		"pre":                      "<pre>\n/approve prod\n</pre>",
		"blockquote":               "<blockquote>\n/approve prod\n</blockquote>",
		"another bot's command":    "/lgtm",
		"another bot's approve":    "/approve",
		"another bot's option":     "/approve no-issue",
		"unknown word, bare":       "/aprove prod",
		"a path":                   "/shipsql/approve prod",
		"a longer login":           "@shipsql-team approve prod",
		"no slash":                 "approve prod",
		"two slashes":              "//approve prod",
		"empty":                    "",
		"code span":                "`/approve prod`",
	} {
		if got := github.Parse(body); len(got) != 0 {
			t.Errorf("%s: %q yields %+v", name, body, got)
		}
	}
}

func TestWhatIsHiddenEnds(t *testing.T) {
	for name, before := range map[string]string{
		"fence":              "```\n/cancel prod\n```\n",
		"nested fence":       "````\n```\n````\n",
		"tilde fence":        "~~~ sql\n```\n~~~\n",
		"quote":              "> /cancel prod\n\n",
		"comment":            "<!-- /cancel prod\n-->\n",
		"two comments":       "<!-- a --> b <!-- c -->\n",
		"code span":          "use `<!--` to hide\n",
		"longer code span":   "use `` ` <!-- `` to hide\n",
		"element in code":    "use `<pre>` here\n",
		"pre":                "<pre>/cancel prod</pre>\n",
		"inline triple tick": "```not a fence```\n",
	} {
		if got := understood(t, github, before+"/approve prod"); len(got) != 1 || got[0].Name != command.Approve {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestBareIsOffWhereTheForgeTakesIt(t *testing.T) {
	g := github
	g.Bare = false
	if got := g.Parse("/approve prod\n/shipsql approve prod"); len(got) != 1 || got[0].Text != "/shipsql approve prod" {
		t.Errorf("got %+v", got)
	}
}

func TestAProblemIsAnswered(t *testing.T) {
	for body, want := range map[string]command.Problem{
		"/shipsql aprove prod":  {Message: `"aprove" is not a command`, Suggestion: "approve prod"},
		"@shipsql stauts":       {Message: `"stauts" is not a command`, Suggestion: "status"},
		"@shipsql what is this": {Message: `"what" is not a command`},
		"/shipsql approve prd": {Message: `"prd" is not an environment; there are: test, staging, prod`,
			Suggestion: "approve prod", Usage: command.Usage(command.Approve)},
		"/approve prd": {Message: `"prd" is not an environment; there are: test, staging, prod`,
			Suggestion: "approve prod", Usage: command.Usage(command.Approve)},
		"/approve prod --with-earleir": {Message: `"--with-earleir" is not an option`,
			Suggestion: "approve prod --with-earlier", Usage: command.Usage(command.Approve)},
		"/approve prod please": {Message: `there is no place for "please"`, Usage: command.Usage(command.Approve)},
		"/shipsql approve": {Message: "the environment is missing; there are: test, staging, prod",
			Usage: command.Usage(command.Approve)},
		"/approve prod --despite-findings": {Message: "--despite-findings needs a reason", Usage: command.Usage(command.Approve)},
		`/reject prod "open`:               {Message: "the closing quote is missing", Usage: command.Usage(command.Reject)},
		"/skip 1 prod":                     {Message: "skip needs a reason", Usage: command.Usage(command.Skip)},
		"/shipsql skip":                    {Message: "skip needs a version", Usage: command.Usage(command.Skip)},
		"/shipsql waive":                   {Message: "waive needs a rule", Usage: command.Usage(command.Waive)},
		"/shipsql waive a-rule":            {Message: "waive needs a reason", Usage: command.Usage(command.Waive)},
		"/shipsql accept-edit":             {Message: "accept-edit needs a file", Usage: command.Usage(command.AcceptEdit)},
		"/shipsql status now":              {Message: `there is no place for "now"`, Usage: command.Usage(command.Status)},
		"/shipsql resolve 1 applied": {Message: "resolve needs VERSION#N, the migration's version and the statement's number",
			Usage: command.Usage(command.Resolve)},
		"/shipsql resolve 1#2": {Message: `resolve needs "applied" (the statement took effect) or "retry" (it didn't)`,
			Usage: command.Usage(command.Resolve)},
	} {
		got := github.Parse(body)
		if len(got) != 1 || got[0].Problem == nil {
			t.Errorf("%q yields %+v", body, got)
			continue
		}
		if diff := cmp.Diff(want, *got[0].Problem); diff != "" {
			t.Errorf("%q (-want +got):\n%s", body, diff)
		}
	}
}

func TestTheNumberAndLengthOfCommandsAreBounded(t *testing.T) {
	got := github.Parse(strings.Repeat("/status\n", 100))
	if len(got) != command.MaxLines+1 || got[command.MaxLines].Problem == nil {
		t.Errorf("100 commands yield %d lines", len(got))
	}
	long := github.Parse("/shipsql reject prod " + strings.Repeat("x ", 40_000))
	if len(long) != 1 || long[0].Problem == nil || len(long[0].Text) > 200 {
		t.Errorf("a long command yields %d lines", len(long))
	}
	if got := github.Parse("/reject prod " + strings.Repeat("x ", 40_000)); len(got) != 0 {
		t.Errorf("a long bare line yields %d lines", len(got))
	}
}

func TestEveryCommandHasAUsage(t *testing.T) {
	for _, n := range command.Names() {
		if !strings.HasPrefix(command.Usage(n), string(n)) {
			t.Errorf("%s: usage %q", n, command.Usage(n))
		}
	}
	if command.Usage("merge") != "" {
		t.Error("an unknown command has a usage")
	}
}
