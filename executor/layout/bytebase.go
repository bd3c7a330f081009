package layout

import (
	"regexp"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

// bytebase reads today's naming, in which a version is what a name begins with
// (Bytebase, action/command/file.go), and the path templates of Bytebase 1 and 2.
// Bytebase leaves files out that don't match; here they are errors.
var bytebase = adapter{
	name:     Bytebase,
	signs:    bytebaseSigns,
	identify: bytebaseName,
	read:     readBytebase,
}

var (
	bytebaseStem = regexp.MustCompile(`^[vV]?(\d+(?:\.\d+)*)[_-]*(.*)$`)
	bytebaseType = regexp.MustCompile(`^--[ \t]*migration-type:[ \t]*(\S+)`)
)

func bytebaseName(o Options, file string) (fileName, bool) {
	if o.Template != "" {
		t, err := compileTemplate(o.Template)
		if err != nil {
			return fileName{}, false
		}
		return t.name(o.below(file))
	}
	base, down := cutDirection(stem(file))
	m := bytebaseStem.FindStringSubmatch(base)
	if m == nil || !IsSQL(file) {
		return fileName{}, false
	}
	n := fileName{version: m[1], name: m[2], down: down}
	if c := change.FindString(n.name); c != "" {
		n.change = executor.ChangeKind(strings.ToLower(c[1:]))
	}
	return n, true
}

// bytebaseSigns: today's names are the native layout's too; a template is told
// from them by its separators.
func bytebaseSigns(files []executor.File) signs {
	s := signs{what: "are named by a template of Bytebase like db##1##ddl##x.sql: layout: must say which"}
	for _, f := range files {
		if IsSQL(f.Path) {
			s.of++
			if strings.Count(f.Path, "##") >= 2 {
				s.files++
			}
		}
	}
	return s
}

func readBytebase(l *loader, files []executor.File) {
	files = slices.Clone(files)
	files = slices.DeleteFunc(files, func(f executor.File) bool {
		line, m := findComment(bytebaseType, view(f.Content))
		if m == nil || !IsSQL(f.Path) {
			return false
		}
		l.refuseLine(fault.New(fault.Unsupported, "migration-type: %s is not supported", m[1]).
			Then("run the change as plain SQL, and take the line out"), f.Path, line)
		return true
	})
	if l.options.Template == "" {
		readNamed(l, files)
		return
	}
	t, err := compileTemplate(l.options.Template)
	if err != nil { // Load checked it
		l.errs = append(l.errs, err)
		return
	}
	for _, f := range files {
		if n, ok := t.name(l.options.below(f.Path)); ok {
			l.whole(n, f)
		} else if IsSQL(f.Path) {
			l.refuse(fault.New(fault.Invalid, "the path does not match the template %s", l.options.Template).
				Then("rename it, or move it out of the migrations folder"), f.Path)
		}
	}
}
