package secret

import (
	"regexp"
	"strings"
	"sync"
)

const redacted = "[redacted]"

// form is one way in which secrets stand in text.
type form struct {
	hints   []string // lower case: text without any of them has none of these
	pattern *regexp.Regexp
	instead string
}

// keyWords are in the names of settings that hold a secret.
var keyWords = []string{"pass", "pwd", "token", "secret", "key"}

// The forms. Each takes rather too much than too little: a password may hold the
// very characters that end it elsewhere, and nobody misses the rest of a URL. They
// are compiled at first use: most commands have nothing to redact.
var forms = sync.OnceValue(func() []form {
	return []form{
		// A key in PEM form, also one that was cut off or stands on one line.
		{hints: []string{"-----begin "}, pattern: regexp.MustCompile(`(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----.*?(-----END [A-Z0-9 ]*-----|\z)`), instead: redacted},
		// scheme://user:password@host. People forget to escape the password, so it may
		// hold an @ or a slash, and ends at the last @ of the word.
		{hints: []string{"://"}, pattern: regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/"<>` + "`" + `]*:)[^\s"<>` + "`" + `]+@`), instead: "${1}" + redacted + "@"},
		// https://token@host: a web address with a user alone has a token there.
		{hints: []string{"://"}, pattern: regexp.MustCompile(`(?i)(\bhttps?://)[^\s:/@"<>` + "`" + `]+@`), instead: "${1}" + redacted + "@"},
		// user:password@tcp(host)/db and its like, as MySQL drivers write it.
		// https://github.com/go-sql-driver/mysql#dsn-data-source-name
		{hints: []string{"@"}, pattern: regexp.MustCompile(`([^\s:/@"'=<>]+:)\S+(@[a-zA-Z0-9+]*\(|@/)`), instead: "${1}" + redacted + "${2}"},
		// HTTP headers that authenticate, also as Go and JSON print them: to the line's end.
		{hints: []string{"authorization"}, pattern: header(`(?:proxy-)?authorization`), instead: "${1}" + redacted},
		{hints: []string{"token"}, pattern: header(`(?:x-gitlab-|private-|job-|x-vault-)token`), instead: "${1}" + redacted},
		{hints: []string{"api-key"}, pattern: header(`(?:x-)?api-key`), instead: "${1}" + redacted},
		{hints: []string{"cookie"}, pattern: header(`(?:set-)?cookie`), instead: "${1}" + redacted},
		// key=value of libpq, query strings and environments, and password: value of
		// YAML; spaces around the = and quotes with escapes are libpq's.
		// https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
		{hints: []string{"pass", "pwd"}, pattern: regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:password|passwd|passphrase|pwd)\s*[=:]\s*)('(?:[^'\\]|\\.)*'?|[^\s"]+)`), instead: "${1}" + redacted},
		{hints: keyWords, pattern: regexp.MustCompile(`(?i)([a-z0-9_.-]*(?:token|secret|api[_-]?key|private[_-]?key|access[_-]?key)=)('(?:[^'\\]|\\.)*'?|[^\s"]+)`), instead: "${1}" + redacted},
		// The same as JSON or quoted YAML, also inside of a JSON string.
		{hints: keyWords, pattern: quotedValue(`\\"`, `(?:[^"\\]|\\[^"])+`), instead: "${1}" + redacted},
		{hints: keyWords, pattern: quotedValue(`"`, `(?:[^"\\]|\\.)+`), instead: "${1}" + redacted},
		{hints: keyWords, pattern: quotedValue(`'`, `(?:[^'\\]|\\.)+`), instead: "${1}" + redacted},
		// Passwords in SQL.
		{hints: []string{"password", "identified"}, pattern: regexp.MustCompile(`(?i)(\b(?:password|identified\s+(?:with\s+\S+\s+)?(?:by|as)(?:\s+password)?)\s*\(?\s*)'(?:[^']|'')*'?`), instead: "${1}'" + redacted + "'"},
		// Tokens that tell themselves: JWTs, GitHub, GitLab, Atlassian, OpenAI and its
		// like, AWS, Google, Slack.
		{hints: []string{"eyj"}, pattern: regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*`), instead: redacted},
		{hints: []string{"gh", "github_pat_", "k_"}, pattern: regexp.MustCompile(`\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,}|[rs]k_(?:live|test)_[A-Za-z0-9]{16,})`), instead: redacted},
		{hints: []string{"gl", "sk-", "xox"}, pattern: regexp.MustCompile(`\b(?:gl[a-z]{2,8}-[A-Za-z0-9_.-]{16,}|sk-[A-Za-z0-9_-]{16,}|xox[a-z]-[A-Za-z0-9-]{10,})`), instead: redacted},
		{hints: []string{"atbb", "atatt3", "atctt3", "akia", "asia", "aiza"}, pattern: regexp.MustCompile(`\b(?:(?:ATBB|ATATT3|ATCTT3)[A-Za-z0-9_=-]{16,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35})`), instead: redacted},
		{hints: []string{"bearer"}, pattern: regexp.MustCompile(`(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}`), instead: redacted},
	}
})

// header matches a header's name with what stands between it and the value, and
// then the rest of the line.
func header(name string) *regexp.Regexp {
	return regexp.MustCompile(`(?i)(\b` + name + `\b\\?["']?\s*[:=]\s*)[^\r\n]+`)
}

// quotedValue matches "key": and a value in the same kind of quotes.
func quotedValue(quote, value string) *regexp.Regexp {
	return regexp.MustCompile(`(?is)(` + quote + `[a-z0-9_.-]*(?:password|passwd|passphrase|pwd|token|secret|api[_-]?key|private[_-]?key)` +
		quote + `\s*:\s*` + quote + `)` + value)
}

// Redact takes the given secrets, passwords in connection strings, headers and
// settings, and well-known forms of tokens and keys out of text. It is the one
// function through which text from outside goes before it is logged, stored or
// posted. Its result is at most a few times as long as text.
func Redact(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) > 3 { // a shorter "secret" would eat ordinary words
			text = strings.ReplaceAll(text, s, redacted)
		}
	}
	lower := strings.ToLower(text)
	for _, f := range forms() {
		if f.mayBeIn(lower) {
			text = f.pattern.ReplaceAllString(text, f.instead)
		}
	}
	return text
}

func (f form) mayBeIn(lower string) bool {
	for _, hint := range f.hints {
		if strings.Contains(lower, hint) {
			return true
		}
	}
	return false
}
