package deploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/store"
)

// folderFile is one file of a folder at a merge commit, as stored. Blob is ""
// for a file whose content could not be had.
type folderFile struct {
	Path string `json:"path"`
	Blob string `json:"blob"`
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// chunk is how many values one IN list holds at most.
const chunk = 500

// inChunks calls fn with parts of values and their placeholders, which start
// at $first.
func inChunks(values []string, first int, fn func(placeholders string, args []any) error) error {
	for start := 0; start < len(values); start += chunk {
		part := values[start:min(start+chunk, len(values))]
		marks, args := make([]string, len(part)), make([]any, len(part))
		for i, v := range part {
			marks[i], args[i] = fmt.Sprintf("$%d", first+i), v
		}
		if err := fn(strings.Join(marks, ", "), args); err != nil {
			return err
		}
	}
	return nil
}

// KnownBlobs says which of the forge's content ids the store has already, so
// that File.Content may be left out for them.
func (s *Service) KnownBlobs(ctx context.Context, projectID string, blobs []string) (map[string]bool, error) {
	found, err := forgeBlobs(ctx, s.db, projectID, blobs)
	known := make(map[string]bool, len(found))
	for name := range found {
		known[name] = true
	}
	return known, err
}

// BlobContent is the content of one of KnownBlobs.
func (s *Service) BlobContent(ctx context.Context, projectID, blob string) ([]byte, error) {
	found, err := forgeBlobs(ctx, s.db, projectID, []string{blob})
	if err != nil {
		return nil, err
	}
	contents, err := loadBlobs(ctx, s.db, []string{found[blob]})
	return contents[found[blob]], err
}

// forgeBlobs translates the forge's content ids to ours.
func forgeBlobs(ctx context.Context, q store.Queryer, projectID string, names []string) (map[string]string, error) {
	type pair struct{ forge, ours string }
	found := map[string]string{}
	err := inChunks(names, 2, func(placeholders string, args []any) error {
		pairs, err := list(ctx, q, func(scan store.Scan) (p pair, err error) { return p, scan(&p.forge, &p.ours) },
			`SELECT forge_blob, blob FROM deploy_forge_blobs WHERE project = $1 AND forge_blob IN (`+placeholders+`)`,
			append([]any{projectID}, args...)...)
		for _, p := range pairs {
			found[p.forge] = p.ours
		}
		return err
	})
	return found, err
}

// loadBlobs reads contents by our ids.
func loadBlobs(ctx context.Context, q store.Queryer, ids []string) (map[string][]byte, error) {
	type blob struct {
		id      string
		content []byte
	}
	found := map[string][]byte{}
	err := inChunks(ids, 1, func(placeholders string, args []any) error {
		blobs, err := list(ctx, q, func(scan store.Scan) (b blob, err error) { return b, scan(&b.id, &b.content) },
			`SELECT id, content FROM deploy_blobs WHERE id IN (`+placeholders+`)`, args...)
		for _, b := range blobs {
			found[b.id] = b.content
		}
		return err
	})
	return found, err
}

func insertBlob(ctx context.Context, tx *store.Tx, id string, content []byte) error {
	if content == nil {
		content = []byte{} // an empty file is not NULL
	}
	_, err := tx.Exec(ctx, `INSERT INTO deploy_blobs (id, content) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, content)
	return err
}

func insertForgeBlob(ctx context.Context, tx *store.Tx, projectID, name, blob string) error {
	_, err := tx.Exec(ctx, `INSERT INTO deploy_forge_blobs (project, forge_blob, blob) VALUES ($1, $2, $3)
		ON CONFLICT (project, forge_blob) DO NOTHING`, projectID, name, blob)
	return err
}

// insertFolder stores a folder's list of files and returns its id.
func insertFolder(ctx context.Context, tx *store.Tx, files []folderFile) (string, error) {
	text, err := json.Marshal(files)
	if err != nil {
		return "", err
	}
	id := hashOf(text)
	_, err = tx.Exec(ctx, `INSERT INTO deploy_folders (id, files) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, id, string(text))
	return id, err
}

func loadFolder(ctx context.Context, q store.Queryer, id string) ([]folderFile, error) {
	var files string
	if err := q.QueryRow(ctx, `SELECT files FROM deploy_folders WHERE id = $1`, id).Scan(&files); err != nil {
		return nil, fmt.Errorf("read the folder %s: %w", id, err)
	}
	var folder []folderFile
	return folder, decode(files, &folder)
}

// readFiles turns a stored folder into files with contents; those whose content
// could not be had are left out.
func readFiles(ctx context.Context, q store.Queryer, folder []folderFile) ([]executor.File, error) {
	var ids []string
	for _, f := range folder {
		if f.Blob != "" {
			ids = append(ids, f.Blob)
		}
	}
	contents, err := loadBlobs(ctx, q, ids)
	if err != nil {
		return nil, err
	}
	var files []executor.File
	for _, f := range folder {
		if f.Blob == "" {
			continue
		}
		content, ok := contents[f.Blob]
		if !ok {
			return nil, fault.New(fault.Internal, "the store lost the content of %s", f.Path)
		}
		files = append(files, executor.File{Path: f.Path, Content: content})
	}
	return files, nil
}
