package executor

import "io/fs"

// File is a file of the repository.
type File struct {
	Path    string // with slashes
	Content []byte
}

// MaxFileSize is the size at which a migration file is refused. A change of that
// size is data: load it with COPY or in batches.
const MaxFileSize = 16 << 20

// ReadDir reads the .sql files below dir, at any depth.
func ReadDir(fsys fs.FS, dir string) ([]File, error) { return nil, nil }

// ParseName reads version and name from a migration's path without looking
// inside. Down files (.down.sql, .undo.sql) and files that are no migrations are
// not ok.
func ParseName(path string) (version, name string, ok bool) { return "", "", false }

// Load makes migrations of a folder's files in the native layout, ordered by
// version. Each file that is not a migration and looks like one is an error with
// its name: all of them at once, as joined fault.Errors, with the good
// migrations returned beside them.
func Load(files []File) ([]Migration, error) { return nil, nil }
