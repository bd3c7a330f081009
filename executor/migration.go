package executor

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Kind says how a migration is identified and when it runs.
type Kind string

// Versioned migrations run once, in the order of their versions.
const Versioned Kind = "versioned"

// ChangeKind says what a migration changes.
type ChangeKind string

// The change kinds of DESIGN §2.
const (
	DDL ChangeKind = "ddl" // the schema
	DML ChangeKind = "dml" // only rows
)

// Migration is one versioned change, read from a file of the project's layout.
type Migration struct {
	Version  string     // dotted-numeric text as written in the file name, e.g. "20260102030405" or "1.2"
	Name     string     // description part of the file name
	Kind     Kind       // always Versioned so far
	Change   ChangeKind // from the file name, a directive, or the statements
	Path     string     // path in the repository, with slashes
	SQL      string     // the up part as read, without a byte order mark
	Checksum string     // Checksum of the up part
	Down     string     // SQL of the paired .down.sql or .undo.sql; "" if there is none
}

// Checksum identifies the text of a migration: the sha256, in hex, of the text
// without a byte order mark and with CRLF as LF, so that neither an editor nor
// git's autocrlf changes it.
func Checksum(sql []byte) string {
	text := strings.TrimPrefix(string(sql), byteOrderMark)
	sum := sha256.Sum256([]byte(strings.ReplaceAll(text, "\r\n", "\n")))
	return hex.EncodeToString(sum[:])
}

const byteOrderMark = "\ufeff"

// CompareVersions orders dotted-numeric versions by number, part by part; a
// missing part is 0, so "1" equals "1.0" and "9" comes before "10". It returns
// -1, 0 or +1 and needs no limit on the digits.
func CompareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareNumbers(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// compareNumbers compares two unsigned decimal numbers of any length.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		if len(a) < len(b) {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// VersionKey is the same text for versions that CompareVersions calls equal, and
// different for others: a map's key.
func VersionKey(version string) string {
	parts := strings.Split(version, ".")
	for i, p := range parts {
		parts[i] = strings.TrimLeft(p, "0")
	}
	for len(parts) > 1 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, ".")
}
