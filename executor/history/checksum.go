package history

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// sums computes the checksums a tool may have recorded for the files of a
// folder, by path. More than one where it depends on the tool's version or on
// how git checked the file out.
type sums func(files []executor.File) map[string][]string

// each makes sums of a checksum that looks at one file.
func each(of func(content []byte) string) sums {
	return func(files []executor.File) map[string][]string {
		all := make(map[string][]string, len(files))
		for _, f := range files {
			all[f.Path] = variants(f.Content, of)
		}
		return all
	}
}

// variants are the checksums of a text as it may have been when it was applied:
// as it is, without a byte order mark, and with the other line ends.
func variants(content []byte, of func([]byte) string) []string {
	bare := bytes.TrimPrefix(content, byteOrderMark)
	unix := bytes.ReplaceAll(bare, []byte("\r\n"), []byte("\n"))
	dos := bytes.ReplaceAll(unix, []byte("\n"), []byte("\r\n"))
	return []string{of(content), of(bare), of(unix), of(dos)}
}

var (
	byteOrderMark = []byte("\ufeff")
	lineEnds      = strings.NewReplacer("\r", "", "\n", "")
)

// flywaySum is the CRC-32 (IEEE) over the text of all lines without their ends
// and without a byte order mark, as a signed number (Flyway's ChecksumCalculator).
func flywaySum(content []byte) string {
	text := lineEnds.Replace(string(bytes.TrimPrefix(content, byteOrderMark)))
	return strconv.Itoa(int(int32(crc32.ChecksumIEEE([]byte(text)))))
}

// prismaSum is the SHA-256 of migration.sql in hex.
func prismaSum(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// sqlxSum is the SHA-384 of the file in hex; sqlx stores the bytes.
func sqlxSum(content []byte) string {
	sum := sha512.Sum384(content)
	return hex.EncodeToString(sum[:])
}

// atlasIgnored is a file that keeps itself out of atlas.sum.
var atlasIgnored = regexp.MustCompile(`(?m)^--\s*atlas:sum\s+ignore\s*$`)

// atlasSums are the hashes of atlas.sum without "h1:": each is a SHA-256, in
// base64, over names and contents of all files up to this one (Atlas'
// sql/migrate/dir.go). An edit of one file changes those of all that follow.
func atlasSums(files []executor.File) map[string][]string {
	ordered := slices.SortedFunc(slices.Values(files), func(a, b executor.File) int { return cmp.Compare(path.Base(a.Path), path.Base(b.Path)) })
	all, hash := map[string][]string{}, sha256.New()
	for _, f := range ordered {
		hash.Write([]byte(path.Base(f.Path)))
		if atlasIgnored.Match(f.Content) {
			continue
		}
		hash.Write(f.Content)
		all[f.Path] = []string{base64.StdEncoding.EncodeToString(hash.Sum(nil))}
	}
	return all
}
