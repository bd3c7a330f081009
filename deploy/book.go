package deploy

import (
	"cmp"
	"context"
	"slices"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/layout"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// book is how the texts of a release are read: in the layout that its folder had,
// with the files that stand beside them.
type book struct {
	layout layout.Options
	folder []folderFile // nil: only the texts themselves
}

func (s *Service) bookOf(p Project, r storedRelease) book {
	o := s.cfg.Layout(p)
	o.Name = cmp.Or(r.layout, layout.Native)
	return book{layout: o}
}

// read makes the executor's migrations of stored ones, in the same order. Each is
// read as its own text has it: two of one file may be of different commits.
func (b book) read(ctx context.Context, q store.Queryer, wanted []Migration) ([]executor.Migration, error) {
	found := make([]executor.Migration, len(wanted))
	left := make([]int, len(wanted))
	for i := range wanted {
		left[i] = i
	}
	for len(left) > 0 {
		var now, later []int
		blobs := map[string]string{}
		for _, i := range left {
			m := wanted[i]
			if m.Blob == "" || m.Broken {
				return nil, fault.New(fault.Invalid, "the file can't be applied").At(m.Path)
			}
			if blob, taken := blobs[m.Path]; taken && blob != m.Blob {
				later = append(later, i)
				continue
			}
			blobs[m.Path] = m.Blob
			now = append(now, i)
		}
		files, err := b.files(ctx, q, blobs)
		if err != nil {
			return nil, err
		}
		loaded, problems := layout.Load(files, b.layout)
		for _, i := range now {
			n := slices.IndexFunc(loaded.Migrations, func(e executor.Migration) bool {
				return e.Path == wanted[i].Path && nameOf(e) == wanted[i].Version
			})
			if n < 0 {
				return nil, unreadable(wanted[i].Path, problems)
			}
			found[i] = loaded.Migrations[n]
		}
		left = later
	}
	return found, nil
}

// unreadable is why a file that was a migration is none now.
func unreadable(path string, problems error) error {
	for _, f := range faultsOf(problems) {
		if f.Where == path {
			return f
		}
	}
	return fault.New(fault.Invalid, "the file can't be applied").At(path).Because(problems)
}

// files are those of the blobs, by path, and what stands beside them; of the
// folder's other migrations only the names.
func (b book) files(ctx context.Context, q store.Queryer, blobs map[string]string) ([]executor.File, error) {
	var wanted []folderFile
	for path, blob := range blobs {
		wanted = append(wanted, folderFile{path, blob})
	}
	var unread []executor.File
	for _, f := range b.folder {
		switch {
		case contains(blobs, f.Path):
		case layout.IsSQL(f.Path):
			unread = append(unread, executor.File{Path: f.Path, Unread: true})
		default:
			wanted = append(wanted, f)
		}
	}
	files, err := readFiles(ctx, q, wanted)
	return append(files, unread...), err
}
