package executor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/spool"
)

// File is a file of the repository.
type File struct {
	Path    string // with slashes
	Content []byte // never written to
	// Spooled says that Content is not in memory (internal/spool), so that it may
	// have any size.
	Spooled bool
	Unread  bool        // only the name is known
	Form    script.Form // of a migration's SQL as it is to be reviewed; else zero
}

// Kind says how a migration is identified and when it runs.
type Kind string

// The kinds of migrations.
const (
	// Versioned migrations run once, in the folder's order.
	Versioned Kind = "versioned"
	// Repeatable migrations run once and again whenever their text has changed,
	// in the folder's order: Flyway's come behind all versioned ones. Their
	// Version is a name, and so is their key in the ledger.
	Repeatable Kind = "repeatable"
	// Baseline migrations make on an empty database what all versions up to their
	// own make; on any other they don't run.
	Baseline Kind = "baseline"
)

// ChangeKind says what a migration changes.
type ChangeKind string

// The change kinds of DESIGN §2.
const (
	DDL ChangeKind = "ddl" // the schema
	DML ChangeKind = "dml" // only rows
)

// Migration is one change, read from a file of the project's layout.
type Migration struct {
	// Version is dotted-numeric text as written in the file name, e.g.
	// "20260102030405" or "1.2"; for what has no number it is a name that is
	// unique in the folder: "R__views", "db/a.sql::1::ann".
	Version string
	Name    string // description part of the file name, as written there
	Kind    Kind
	Change  ChangeKind // from the file name, a directive, or the statements
	Path    string     // path in the repository, with slashes
	// SQL is the up part. What precedes it in the file is left as empty lines, so
	// that line numbers are the file's.
	SQL           string
	Form          script.Form // how SQL is taken apart
	NoTransaction bool        // the layout's own mark, e.g. goose's NO TRANSACTION
	Checksum      string      // Checksum of the up part without the empty lines before it
	Down          string      // SQL that undoes it; "" if there is none
	DownPath      string      // the file of Down; "" means Path
	Target        Destination // where it goes; zero: wherever the project does
}

// DownFile is the path of the file that holds Down.
func (m Migration) DownFile() string { return cmp.Or(m.DownPath, m.Path) }

// Undoable says that Down holds a statement: comments alone take nothing back.
func (m Migration) Undoable() bool { return len(m.Form.Split(m.Down)) > 0 }

// Statements takes the up part apart.
func (m Migration) Statements() []script.Statement { return m.Form.Split(m.SQL) }

// Destination narrows where a migration goes. What is "" narrows nothing.
type Destination struct {
	Environment string
	Database    string
}

// Checksum identifies the text of a migration: the sha256, in hex, of the text
// without a byte order mark and with CRLF as LF, so that neither an editor nor
// git's autocrlf changes it.
func Checksum[Text string | []byte](sql Text) string {
	sum := sha256.New()
	for part := range spool.Parts(strings.TrimPrefix(string(sql), byteOrderMark)) {
		sum.Write([]byte(strings.ReplaceAll(part, "\r\n", "\n")))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

const byteOrderMark = "\ufeff"

// CompareVersions orders dotted-numeric versions by number, part by part; a
// missing part is 0, so "1" equals "1.0" and "9" comes before "10". Names come
// behind all numbers, by their bytes. It returns -1, 0 or +1 and needs no limit
// on the digits.
func CompareVersions(a, b string) int {
	switch x, y := IsNumeric(a), IsNumeric(b); {
	case !x && !y:
		return strings.Compare(a, b)
	case !x:
		return 1
	case !y:
		return -1
	}
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

// IsNumeric says that a version is dotted-numeric text, so that it has a place
// among others. "" counts as 0.
func IsNumeric(version string) bool { return strings.Trim(version, "0123456789.") == "" }

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
	if !IsNumeric(version) {
		return version
	}
	parts := strings.Split(version, ".")
	for i, p := range parts {
		parts[i] = strings.TrimLeft(p, "0")
	}
	for len(parts) > 1 && parts[len(parts)-1] == "" {
		parts = parts[:len(parts)-1]
	}
	return strings.Join(parts, ".")
}
