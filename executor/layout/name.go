package layout

import (
	"path"
	"regexp"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

// fileName is what a migration's path says.
type fileName struct {
	version, name string
	down          bool
	kind          executor.Kind       // "" is Versioned
	change        executor.ChangeKind // "" when the name does not say
	target        executor.Destination
}

// IsSQL says that a file's name ends in .sql.
func IsSQL(name string) bool { return strings.EqualFold(path.Ext(name), ".sql") }

// stem is a file's name without folder and extension.
func stem(file string) string { return strings.TrimSuffix(path.Base(file), path.Ext(file)) }

var (
	direction = regexp.MustCompile(`(?i)\.(up|down|undo)$`)
	change    = regexp.MustCompile(`(?i)[._](ddl|dml)$`)
)

// cutDirection takes .up, .down or .undo off a stem.
func cutDirection(stem string) (rest string, down bool) {
	m := direction.FindString(stem)
	return strings.TrimSuffix(stem, m), m != "" && !strings.EqualFold(m, ".up")
}
