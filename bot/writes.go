package bot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/store"
)

// written is what we wrote on a forge before.
type written struct {
	ID     int64
	Hash   string
	Trying string // hash of a write that was begun and may have got through, "" for none
}

// once is the hash of what is written once and never changed.
const once = "once"

// needed says that the content is not, or not for sure, what stands there.
func (w written) needed(hash string) bool {
	return w.Trying != "" || w.Hash != hash && (hash != once || w.ID == 0)
}

// writes are what was written on one pull request, by what it is.
type writes map[string]written

func loadWrites(ctx context.Context, q store.Queryer, repository string, number int) (writes, error) {
	type row struct {
		what string
		written
	}
	rows, err := q.Query(ctx, sqlWrites, repository, number)
	if err != nil {
		return nil, fmt.Errorf("read what was written: %w", err)
	}
	found, err := store.Collect(rows, func(scan store.Scan) (r row, err error) { return r, scan(&r.what, &r.ID, &r.Hash, &r.Trying) })
	all := writes{}
	for _, r := range found {
		all[r.what] = r.written
	}
	return all, err
}

// keys are the rest of the names that begin with prefix, of what was written
// for sure.
func (w writes) keys(prefix string) []string {
	var keys []string
	for what, it := range w {
		if rest, ok := strings.CutPrefix(what, prefix); ok && it.Trying == "" {
			keys = append(keys, rest)
		}
	}
	return keys
}

// trying remembers that a write begins: the process may die, or the answer be
// lost, after the forge has taken it and before we know.
func (b *Bot) trying(ctx context.Context, p pull, what, hash string) error {
	_, err := b.Store.Exec(ctx, sqlTrying, p.Repository, p.Number, what, hash, store.Micros(b.Store.Now()))
	if err != nil {
		return fmt.Errorf("remember what is being written: %w", err)
	}
	return nil
}

// wrote remembers that a write got through.
func (b *Bot) wrote(ctx context.Context, p pull, what string, id int64, hash string) error {
	_, err := b.Store.Exec(ctx, sqlWrote,
		p.Repository, p.Number, what, id, hash, store.Micros(b.Store.Now()))
	if err != nil {
		return fmt.Errorf("remember what was written: %w", err)
	}
	return nil
}

// hashOf tells contents apart.
func hashOf(content any) string {
	text, err := json.Marshal(content)
	if err != nil { // our own plain structs; a constant would hide a change
		text = fmt.Append(nil, content)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
