package layout

import (
	"crypto/sha256"
	"encoding/base64"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/spool"
)

// atlas reads 1_x.sql beside atlas.sum, with Atlas' directives at the top of a
// file (Atlas, sql/migrate/dir.go).
var atlas = adapter{
	name:     Atlas,
	signs:    atlasSigns,
	identify: func(_ Options, path string) (fileName, bool) { return atlasName(path) },
	read:     readAtlas,
	empty:    true,
}

const atlasSum = "atlas.sum"

var (
	atlasStem      = regexp.MustCompile(`^(\d+(?:\.\d+)*)(?:_(.*))?$`)
	atlasDirective = regexp.MustCompile(`^(?:--|#)\s*atlas:(\w+)[ \t]*(.*)$`)
	atlasIgnored   = regexp.MustCompile(`\A[ -~]*atlas:sum +ignore`)
	atlasEscapes   = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t")
)

func atlasName(file string) (fileName, bool) {
	m := atlasStem.FindStringSubmatch(stem(file))
	if m == nil || !IsSQL(file) {
		return fileName{}, false
	}
	return fileName{version: m[1], name: m[2]}, true
}

func atlasSigns(files []executor.File) signs {
	s := signs{what: "there is an " + atlasSum, sure: true}
	for _, f := range files {
		if path.Base(f.Path) == atlasSum {
			s.files++
		}
	}
	return s
}

func readAtlas(l *loader, files []executor.File) {
	dir := l.atlasFolder(files)
	for _, f := range files {
		n, ok := atlasName(f.Path)
		switch {
		case !IsSQL(f.Path):
		case path.Dir(f.Path) != dir:
			l.refuse(fault.New(fault.Invalid, "the file does not lie beside %s, so Atlas does not read it", atlasSum).
				Then("move it there, or out of the migrations folder"), f.Path)
		case !ok:
			l.refuse(fault.New(fault.Invalid, "the file name has no version").
				Then("name it like 20260102030405_add_users.sql, or move it out of the migrations folder"), f.Path)
		default:
			if sql, ok := l.text(f); ok {
				l.atlas(n, f.Path, sql)
			}
		}
	}
}

// atlasFolder finds the folder and holds its files against their sums.
func (l *loader) atlasFolder(files []executor.File) (dir string) {
	var sum *executor.File
	for i, f := range files {
		if path.Base(f.Path) != atlasSum {
			continue
		}
		if sum != nil {
			l.refuse(fault.New(fault.Invalid, "there is another one: %s", sum.Path).Then("make each folder a project of its own"), f.Path)
			return path.Dir(sum.Path)
		}
		sum = &files[i]
	}
	if sum == nil {
		l.errs = append(l.errs, fault.New(fault.Invalid, "the folder has no %s", atlasSum).Then("run atlas migrate hash, and commit the file"))
		return l.firstFolder(files)
	}
	if err := verifySum(*sum, files); err != nil {
		l.refuse(err, sum.Path)
	}
	return path.Dir(sum.Path)
}

func (l *loader) firstFolder(files []executor.File) string {
	for _, f := range files {
		if IsSQL(f.Path) {
			return path.Dir(f.Path)
		}
	}
	return l.options.Dir
}

// verifySum recomputes Atlas' sums, each of which covers the files before it too:
// the first that differs is where the folder and the sums part.
func verifySum(sum executor.File, files []executor.File) *fault.Error {
	recorded, running := strings.Split(strings.TrimSpace(string(sum.Content)), "\n"), sha256.New()
	total := sha256.New()
	n := 1
	for _, f := range files {
		if !IsSQL(f.Path) || path.Dir(f.Path) != path.Dir(sum.Path) {
			continue
		}
		if f.Unread || sum.Unread {
			return nil // only the whole folder can be held against its sums
		}
		name := path.Base(f.Path)
		running.Write([]byte(name))
		if atlasIgnored.Match(f.Content) {
			continue
		}
		for part := range spool.Parts(view(f.Content)) {
			running.Write([]byte(part))
		}
		h := base64.StdEncoding.EncodeToString(running.Sum(nil))
		if n >= len(recorded) || strings.TrimSpace(recorded[n]) != name+" h1:"+h {
			return sumDiffers(n+1, "the folder differs from its sums from "+name+" on")
		}
		total.Write([]byte(name + h))
		n++
	}
	switch {
	case n < len(recorded):
		return sumDiffers(n+1, "the folder lacks a file that the sums name: "+strings.TrimSpace(recorded[n]))
	case strings.TrimSpace(recorded[0]) != "h1:"+base64.StdEncoding.EncodeToString(total.Sum(nil)):
		return sumDiffers(1, "the sum of the sums is wrong")
	}
	return nil
}

func sumDiffers(line int, message string) *fault.Error {
	return fault.New(fault.Invalid, "%s", message).Then("look at what changed, then run atlas migrate hash").At(strconv.Itoa(line))
}

// atlas reads the directives of a file's head, which an empty line ends.
func (l *loader) atlas(n fileName, path, sql string) {
	m := executor.Migration{Version: n.version, Name: n.name, Path: path}
	head, ok := atlasHead(sql), true
	lines(head, func(at, _ int, text string) bool {
		d := atlasDirective.FindStringSubmatch(text)
		if d == nil {
			return true
		}
		switch key, value := d[1], strings.TrimSpace(d[2]); {
		case key == "checkpoint":
			m.Kind = executor.Baseline
		case key == "delimiter" && value != "":
			m.Form.Delimiter = atlasEscapes.Replace(value)
		case key == "txmode" && value == "none":
			m.NoTransaction = true
		case key == "txmode" && value == "file", key == "sum", key == "nolint":
		default:
			l.refuseLine(fault.New(fault.Unsupported, "the directive atlas:%s is not supported", strings.TrimSpace(key+" "+value)).
				Then("checkpoint, delimiter, txmode none and file, sum and nolint are"), path, at)
			ok = false
		}
		return ok
	})
	if ok {
		l.add(m, lead{}, sql)
	}
}

// atlasHead is the comment at the top that an empty line parts from what follows;
// a comment right above a statement is the statement's.
func atlasHead(sql string) string {
	end, parted := 0, true
	lines(sql, func(_, offset int, text string) bool {
		end = offset
		parted = strings.TrimSpace(text) == ""
		comment := strings.HasPrefix(text, "--") || strings.HasPrefix(text, "#")
		if comment {
			end, parted = len(sql), true
		}
		return comment
	})
	if !parted {
		return ""
	}
	return sql[:end]
}
