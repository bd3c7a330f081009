package layout

import (
	"io/fs"
	"path"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// Holds says whether a file's name concerns any layout: SQL, the files that tools
// keep beside it, and programs that are migrations, so that they can be refused.
func Holds(file string) bool {
	return IsSQL(file) || IsSQL(strings.TrimSuffix(file, ".conf")) || Governs(file) || isForeign(file)
}

// Governs says that a file speaks about the whole folder: sums, a provider, an
// order.
func Governs(file string) bool {
	base := path.Base(file)
	return base == atlasSum || base == prismaLock || isChangelog(file)
}

// ReadDir reads the files below dir that concern a layout, at any depth, except
// in folders whose name begins with a dot.
func ReadDir(fsys fs.FS, dir string) ([]executor.File, error) {
	var files []executor.File
	err := fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != dir && strings.HasPrefix(path.Base(name), "."):
			return fs.SkipDir
		case entry.IsDir() || !Holds(name):
			return nil
		}
		content, err := fs.ReadFile(fsys, name)
		files = append(files, executor.File{Path: name, Content: content})
		return err
	})
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't read the migrations").At(dir).Because(err)
	}
	return files, nil
}
