package page

import (
	"html/template"
	"regexp"
	"strings"
)

// token finds what is coloured in SQL: comments, strings, numbers, words.
var token = regexp.MustCompile(`--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"[^"\n]*"|\b\d+(?:\.\d+)?\b|[A-Za-z_][A-Za-z_0-9]*`)

var keywords = wordSet(`
	ADD ALL ALTER ALWAYS AND AS ASC BEGIN BETWEEN BY CASCADE CASE CHECK COLUMN COMMENT COMMIT CONCURRENTLY CONSTRAINT
	CREATE CROSS CURRENT_TIMESTAMP DEFAULT DELETE DESC DISTINCT DO DOMAIN DROP ELSE END ENUM EXCLUDE EXECUTE EXISTS
	EXTENSION FALSE FOREIGN FROM FULL FUNCTION GENERATED GRANT GROUP HAVING IDENTITY IF IN INDEX INNER INSERT INTO IS
	JOIN KEY LANGUAGE LEFT LIKE LIMIT LOCK MATERIALIZED NOT NULL OFFSET ON ONLY OR ORDER OUTER PARTITION PRIMARY
	PROCEDURE REFERENCES RENAME REPLACE RESTRICT RETURNING RETURNS REVOKE RIGHT ROLLBACK ROW SCHEMA SELECT SEQUENCE SET
	TABLE TEMPORARY THEN TO TRANSACTION TRIGGER TRUE TRUNCATE TYPE UNION UNIQUE UPDATE USING VALID VALIDATE VALUES VIEW
	WHEN WHERE WITH`)

var typeNames = wordSet(`
	BIGINT BIGSERIAL BOOL BOOLEAN BYTEA CHAR DATE DECIMAL DOUBLE FLOAT INT INTEGER INTERVAL JSON JSONB NUMERIC REAL SERIAL
	SMALLINT TEXT TIME TIMESTAMP TIMESTAMPTZ UUID VARCHAR`)

func wordSet(list string) map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		words[w] = true
	}
	return words
}

// highlightSQL escapes SQL and marks its tokens.
func highlightSQL(sql string) string {
	var b strings.Builder
	end := 0
	for _, at := range token.FindAllStringIndex(sql, -1) {
		b.WriteString(template.HTMLEscapeString(sql[end:at[0]]))
		word := sql[at[0]:at[1]]
		end = at[1]
		escaped := template.HTMLEscapeString(word)
		if class := tokenClass(word); class != "" {
			escaped = `<span class="hl-` + class + `">` + escaped + `</span>`
		}
		b.WriteString(escaped)
	}
	b.WriteString(template.HTMLEscapeString(sql[end:]))
	return b.String()
}

func tokenClass(word string) string {
	upper := strings.ToUpper(word)
	switch {
	case strings.HasPrefix(word, "--"), strings.HasPrefix(word, "/*"):
		return "comment"
	case word[0] == '\'':
		return "string"
	case word[0] >= '0' && word[0] <= '9':
		return "number"
	case keywords[upper]:
		return "keyword"
	case typeNames[upper]:
		return "type"
	}
	return ""
}

// highlightDiff escapes a diff and marks its added and removed lines.
func highlightDiff(diff string) string {
	var b strings.Builder
	for line := range strings.Lines(diff) {
		class := map[byte]string{'+': "add", '-': "del", '@': "hunk"}[line[0]]
		escaped := template.HTMLEscapeString(line)
		if class != "" {
			escaped = `<span class="hl-` + class + `">` + escaped + `</span>`
		}
		b.WriteString(escaped)
	}
	return b.String()
}
