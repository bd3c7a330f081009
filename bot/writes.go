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
	ID   int64
	Hash string
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
	found, err := store.Collect(rows, func(scan store.Scan) (r row, err error) { return r, scan(&r.what, &r.ID, &r.Hash) })
	all := writes{}
	for _, r := range found {
		all[r.what] = r.written
	}
	return all, err
}

// keys are the rest of the names that begin with prefix.
func (w writes) keys(prefix string) []string {
	var keys []string
	for what := range w {
		if rest, ok := strings.CutPrefix(what, prefix); ok {
			keys = append(keys, rest)
		}
	}
	return keys
}

// wrote remembers a write.
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
