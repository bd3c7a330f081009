package command

import "strings"

// stripComments takes HTML comments out of a line and remembers one that stays
// open. A "<!--" in a code span is text; so is one behind a backslash.
func (r *reader) stripComments(line string) string {
	var out strings.Builder
	for line != "" {
		if r.comment {
			_, rest, found := strings.Cut(line, "-->")
			if !found {
				return out.String()
			}
			r.comment, line = false, rest
			continue
		}
		n := r.plain(line)
		out.WriteString(line[:n])
		line = line[n:]
		if r.comment {
			line = line[len("<!--"):]
		}
	}
	return out.String()
}

// plain is how many bytes of the line come before a comment opens; it marks the
// comment as open when there is one.
func (r *reader) plain(line string) int {
	for i := 0; i < len(line); {
		switch {
		case line[i] == '\\':
			i += 2
		case line[i] == '`':
			i += codeSpan(line[i:])
		case strings.HasPrefix(line[i:], "<!--"):
			r.comment = true
			return i
		default:
			i++
		}
	}
	return len(line)
}

// codeSpan is the length of the code span that s starts with, or of its run of
// backticks when no equal run closes it.
func codeSpan(s string) int {
	run := len(s) - len(strings.TrimLeft(s, "`"))
	for i := run; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		n := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		i += n
		if n == run {
			return i
		}
	}
	return run
}

// withoutCode is the line without its code spans.
func withoutCode(line string) string {
	var out strings.Builder
	for line != "" {
		n := strings.IndexByte(line, '`')
		if n < 0 {
			n = len(line)
		}
		out.WriteString(line[:n])
		if line = line[n:]; line != "" {
			line = line[codeSpan(line):]
		}
	}
	return out.String()
}
