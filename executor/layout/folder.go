package layout

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
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
// in folders whose name begins with a dot. Links to files are followed, those to
// folders of such files refused. The file system must bear several readers at once.
func ReadDir(fsys fs.FS, dir string) ([]executor.File, error) {
	names, err := list(fsys, dir)
	var files []executor.File
	if err == nil {
		files, err = readFiles(fsys, names)
	}
	if err != nil {
		return nil, fault.New(fault.Invalid, "can't read the migrations").At(dir).Because(err)
	}
	return files, nil
}

func list(fsys fs.FS, dir string) (names []string, err error) {
	err = fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != dir && strings.HasPrefix(path.Base(name), "."):
			return fs.SkipDir
		case entry.Type()&fs.ModeSymlink != 0 && !Holds(name) && !strings.HasPrefix(path.Base(name), "."):
			return notAFolder(fsys, name)
		case !entry.IsDir() && Holds(name):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// readFiles reads as many at a time as there are processors: folders have
// thousands of small files, and each asks the system several times.
func readFiles(fsys fs.FS, names []string) ([]executor.File, error) {
	files := make([]executor.File, len(names))
	part := len(names)/runtime.GOMAXPROCS(0) + 1
	var group errgroup.Group
	for from := 0; from < len(names); from += part {
		group.Go(func() (err error) {
			for i := from; i < min(from+part, len(names)) && err == nil; i++ {
				files[i], err = readFile(fsys, names[i])
			}
			return err
		})
	}
	return files, group.Wait()
}

// notAFolder refuses a link to a folder that holds migrations: nobody walks into
// it.
func notAFolder(fsys fs.FS, link string) error {
	entries, _ := fs.ReadDir(fsys, link) // what can't be read as a folder is none
	if !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return Holds(e.Name()) }) {
		return nil
	}
	return fmt.Errorf("%s is a link to a folder, which is not followed: put the folder itself there, or name it with --dir", link)
}

// readFile spools a file that is too large for memory. It asks the system as
// little as it can: folders have thousands of files, most of them applied.
func readFile(fsys fs.FS, name string) (_ executor.File, err error) {
	file, err := fsys.Open(name)
	if err != nil {
		return executor.File{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return executor.File{}, err
	}
	if info.Size() < MaxFileSize {
		content := make([]byte, info.Size())
		_, err := io.ReadFull(file, content)
		return executor.File{Path: name, Content: content}, err
	}
	content, err := spool.Read(file)
	return executor.File{Path: name, Content: content, Spooled: true}, err
}
