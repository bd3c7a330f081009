package script

import (
	"strings"

	"github.com/shipsql/shipsql/executor/mysql/token"
)

// scanMySQL takes MySQL's and MariaDB's SQL apart.
func scanMySQL(c *collector, end string) {
	s := mysqlSplitter{Lexer: token.Lexer{Text: c.file}, collector: c, delimiter: delimiter(end)}
	for s.step() {
	}
}

// mysqlSplitter collects statements while it reads tokens.
type mysqlSplitter struct {
	token.Lexer
	*collector

	delimiter delimiter // "": the semicolon
	body      body
}

// step handles one token and says whether there are more.
func (s *mysqlSplitter) step() bool {
	t, delimits := s.next()
	switch {
	case delimits:
		s.delimited(t)
	case t.Kind == token.End:
		return false
	case t.Kind == token.Comment:
		if s.comment(t.Start, t.End) {
			s.body = body{}
		}
	case t.Kind == token.Mark && s.Text[t.Start] == '\\' && !s.InVersion() && !strings.HasPrefix(s.Text[t.End:], "N"):
		s.end(SQL) // \N is NULL, all else is the client's: \G ends a statement, \. reads a file
		s.client(t.Start)
	case t.Kind == token.Word && s.start < 0 && s.command(t):
	default:
		s.take(t.Start, t.End)
		s.body.token(s.Text, t)
		s.skipDollarQuote()
	}
	return true
}

// next returns the next token, or the delimiter: a token may be cut where a
// delimiter begins in it, as in END$$.
func (s *mysqlSplitter) next() (t token.Token, delimits bool) {
	if s.delimiter == "" || s.InVersion() {
		t = s.Next()
		return t, t.Kind == token.Mark && s.delimiter == "" && s.Text[t.Start] == ';' && !s.InVersion()
	}
	for ; s.Pos < len(s.Text); s.Pos++ {
		if s.delimiter.at(s.Text, s.Pos) {
			t = token.Token{Kind: token.Mark, Start: s.Pos, End: s.Pos + len(s.delimiter)}
			s.Pos = t.End
			return t, true
		}
		if !token.IsSpace(s.Text[s.Pos]) {
			break
		}
	}
	return s.cut(s.Next()), false
}

// cut ends a word where the delimiter begins.
func (s *mysqlSplitter) cut(t token.Token) token.Token {
	if t.Kind != token.Word && t.Kind != token.Number {
		return t
	}
	for i := t.Start + 1; i < t.End; i++ {
		if s.delimiter.at(s.Text, i) {
			s.Pos = i
			return token.Token{Kind: t.Kind, Start: t.Start, End: i}
		}
	}
	return t
}

// delimited ends the statement, unless a semicolon is part of it. A delimiter
// that the form or a DELIMITER line names is never part of one.
func (s *mysqlSplitter) delimited(t token.Token) {
	switch {
	case s.inBlock: // inside when something of the block follows, else its end
	case s.delimiter == "" && s.body.open():
		s.take(t.Start, t.End)
		s.body.token(s.Text, t)
	default:
		s.end(SQL)
	}
}

// end ends the current statement, if there is one.
func (s *mysqlSplitter) end(kind Kind) {
	if s.finish(kind) {
		s.body = body{}
	}
}

// client takes the rest of the line as a command of the client.
func (s *mysqlSplitter) client(start int) {
	s.Pos = start + len(s.restOfLine(start))
	s.take(start, start+len(strings.TrimRight(s.Text[start:s.Pos], " \t\r")))
	s.finish(Client)
}

func (s *mysqlSplitter) restOfLine(start int) string {
	line, _, _ := strings.Cut(s.Text[start:], "\n")
	return line
}

// command handles a line that begins with a command of the client. DELIMITER
// is acted on and leaves no piece.
func (s *mysqlSplitter) command(t token.Token) bool {
	word := strings.ToLower(t.In(s.Text))
	if !clientCommands[word] || s.InVersion() {
		return false
	}
	line := s.restOfLine(t.End)
	// A name or an expression, not a command: connect.t, status = 1.
	if rest := strings.TrimLeft(line, " \t"); rest != "" && strings.ContainsRune("(.=:,", rune(rest[0])) && word != "delimiter" {
		return false
	}
	if argument := firstArgument(line); word == "delimiter" && argument != "" {
		s.delimiter = delimiter(argument)
		if argument == ";" {
			s.delimiter = ""
		}
		s.Pos = t.End + len(line)
		return true
	}
	s.client(t.Start)
	return true
}

// firstArgument is the first word of the rest of a DELIMITER line, without its
// quotes.
func firstArgument(line string) string {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return ""
	}
	return token.Unquote(fields[0])
}

// clientCommands are what the mysql and mariadb programs act on themselves, at
// the beginning of a statement. HELP and USE are left to the server, which
// knows them too. https://dev.mysql.com/doc/refman/8.4/en/mysql-commands.html
var clientCommands = map[string]bool{
	"delimiter": true, "source": true, "system": true, "connect": true, "tee": true, "notee": true,
	"pager": true, "nopager": true, "prompt": true, "rehash": true, "status": true, "warnings": true, "nowarning": true,
	"charset": true, "ego": true, "go": true, "exit": true, "quit": true, "clear": true, "edit": true, "print": true,
	"resetconnection": true, "query_attributes": true, "ssl_session_data_print": true, "sandbox": true,
}

// skipDollarQuote moves behind the $tag$ … $tag$ of a routine in another
// language, which MySQL 9 has behind AS.
func (s *mysqlSplitter) skipDollarQuote() {
	if !s.body.afterAs {
		return
	}
	rest := strings.TrimLeft(s.Text[s.Pos:], " \t\r\n")
	if strings.HasPrefix(rest, "'") || strings.HasPrefix(rest, `"`) {
		s.body = body{state: bodyPlain}
	}
	if !strings.HasPrefix(rest, "$") {
		return
	}
	tagEnd := 1 + strings.IndexByte(rest[1:], '$')
	if tagEnd == 0 || strings.ContainsAny(rest[1:tagEnd], " \t\r\n;'") {
		return
	}
	tag, start := rest[:tagEnd+1], len(s.Text)-len(rest)
	end := len(s.Text)
	if i := strings.Index(rest[len(tag):], tag); i >= 0 {
		end = start + len(tag) + i + len(tag)
	}
	s.take(start, end)
	s.Pos = end
	s.body = body{state: bodyPlain}
}
