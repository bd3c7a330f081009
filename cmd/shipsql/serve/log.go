package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shipsql/shipsql/internal/secret"
)

// keys are all that stands at the top of a log line, so that what collects logs
// can be set up once. Any other key is found under moreKey.
var keys = []string{
	// what the line is about
	"delivery", "release", "environment", "database", "task", "project", "repository", "pr", "error",
	// the queue
	"job", "kind", "key", "attempts", "pool", "node", "outcome",
	// requests and the process
	"provider", "method", "route", "status", "took", "from", "stack", "address", "role", "version",
}

// moreKey is the group of the keys that are not in the list.
const moreKey = "more"

// NewLog makes the log of a process: one JSON object a line, or for a terminal,
// lines for people.
func NewLog(w io.Writer, terminal bool) *slog.Logger {
	if terminal {
		return slog.New(newPlain(w))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}

// safe is a log through which no secret passes: every message and value, errors
// included, goes through secret.Redact, and keys outside of the list go under
// moreKey.
func safe(log *slog.Logger) *slog.Logger {
	if _, already := log.Handler().(guard); already {
		return log
	}
	return slog.New(guard{log.Handler()})
}

// guard is the handler of safe.
type guard struct{ next slog.Handler }

// Enabled asks the handler behind.
func (g guard) Enabled(ctx context.Context, level slog.Level) bool { return g.next.Enabled(ctx, level) }

// Handle passes the record on without secrets.
func (g guard) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, secret.Redact(r.Message), r.PC)
	attrs := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool { attrs = append(attrs, a); return true })
	clean.AddAttrs(orderly(attrs)...)
	return g.next.Handle(ctx, clean)
}

// WithAttrs cleans the attributes once.
func (g guard) WithAttrs(attrs []slog.Attr) slog.Handler {
	return guard{g.next.WithAttrs(orderly(attrs))}
}

// WithGroup has no effect: all keys stand at the top, or under moreKey.
func (g guard) WithGroup(string) slog.Handler { return g }

// orderly are the attributes without secrets, unknown ones last and in a group.
func orderly(attrs []slog.Attr) []slog.Attr {
	known, more := make([]slog.Attr, 0, len(attrs)), []any(nil)
	for _, a := range attrs {
		a.Value = redacted(a.Value)
		if slices.Contains(keys, a.Key) {
			known = append(known, a)
		} else {
			more = append(more, a)
		}
	}
	if len(more) > 0 {
		known = append(known, slog.Group(moreKey, more...))
	}
	return known
}

// redacted is a value without secrets. What is neither number, time nor text is
// written as text: what it would print as JSON can't be looked through.
func redacted(v slog.Value) slog.Value {
	switch v = v.Resolve(); v.Kind() {
	case slog.KindBool, slog.KindDuration, slog.KindFloat64, slog.KindInt64, slog.KindTime, slog.KindUint64:
		return v
	case slog.KindString:
		return slog.StringValue(secret.Redact(v.String()))
	case slog.KindGroup:
		group := slices.Clone(v.Group())
		for i := range group {
			group[i].Value = redacted(group[i].Value)
		}
		return slog.GroupValue(group...)
	default:
		return slog.StringValue(secret.Redact(fmt.Sprint(v.Any())))
	}
}

// plain writes lines for people: time, level, message, then key=value.
type plain struct {
	w       io.Writer
	mu      *sync.Mutex
	fields  *bytes.Buffer // what writer writes, for one line; guarded by mu
	written slog.Handler  // writes the attributes to fields
}

func newPlain(w io.Writer) plain {
	fields := &bytes.Buffer{}
	drop := func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && slices.Contains([]string{slog.TimeKey, slog.LevelKey, slog.MessageKey}, a.Key) {
			return slog.Attr{}
		}
		return a
	}
	text := slog.NewTextHandler(fields, &slog.HandlerOptions{ReplaceAttr: drop})
	return plain{w: w, mu: &sync.Mutex{}, fields: fields, written: text}
}

// Enabled says that a person reads all but details.
func (p plain) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle writes one line.
func (p plain) Handle(ctx context.Context, r slog.Record) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fields.Reset()
	if err := p.written.Handle(ctx, r); err != nil {
		return err
	}
	line := fmt.Sprintf("%s %-5s %s  %s", r.Time.Format(time.TimeOnly), r.Level, r.Message, p.fields)
	_, err := io.WriteString(p.w, strings.TrimRight(line, " \n")+"\n")
	return err
}

// WithAttrs puts attributes on every line.
func (p plain) WithAttrs(attrs []slog.Attr) slog.Handler {
	p.written = p.written.WithAttrs(attrs)
	return p
}

// WithGroup names the group of what follows.
func (p plain) WithGroup(name string) slog.Handler {
	p.written = p.written.WithGroup(name)
	return p
}
