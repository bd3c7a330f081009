package github

import (
	"context"
	"crypto/sha1" //nolint:gosec // git's object ids are SHA-1; this proves a transfer, not an author
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/google/go-github/v60/github"
	"golang.org/x/sync/errgroup"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

const (
	fewBlobs      = 8         // up to here a call for each, above one archive
	blobsAtOnce   = 4         // calls in flight
	maxBlobsTotal = 256 << 20 // bytes of all the blobs of one call
)

// Blobs reads the content of entries of the commit's tree, by blob id.
func (p *Provider) Blobs(ctx context.Context, repo providers.Repo, commit string, entries []providers.TreeEntry) (map[string][]byte, error) {
	wanted, large := p.split(entries)
	var total int64
	for _, e := range wanted {
		total += e.Size
	}
	if total > maxBlobsTotal {
		return nil, fmt.Errorf("%s: %d bytes of files: %w", repo, total, providers.ErrTooMany)
	}
	contents := map[string][]byte{}
	if len(wanted) > fewBlobs {
		found, err := p.fromArchive(ctx, repo, commit, wanted)
		if err != nil {
			return nil, err
		}
		contents = found
		maps.DeleteFunc(wanted, func(blob string, _ providers.TreeEntry) bool { _, ok := found[blob]; return ok })
	}
	more, tooLarge, err := p.blobs(ctx, repo, wanted)
	if err != nil {
		return nil, err
	}
	maps.Copy(contents, more)
	return contents, errors.Join(append(large, tooLarge...)...)
}

// split leaves out what is known to be too large, and what is wanted twice.
func (p *Provider) split(entries []providers.TreeEntry) (wanted map[string]providers.TreeEntry, large []error) {
	wanted = map[string]providers.TreeEntry{}
	for _, e := range entries {
		if e.Size > p.o.MaxBlob {
			large = append(large, providers.ErrTooLarge{Path: e.Path, Limit: p.o.MaxBlob})
			continue
		}
		wanted[e.Blob] = e
	}
	return wanted, large
}

// blobs reads each blob by a call of its own, a few at once.
func (p *Provider) blobs(ctx context.Context, repo providers.Repo, wanted map[string]providers.TreeEntry) (map[string][]byte, []error, error) {
	var mu sync.Mutex
	var large []error
	found := map[string][]byte{}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(blobsAtOnce)
	for _, e := range wanted {
		group.Go(func() error {
			content, err := p.blob(ctx, repo, e)
			mu.Lock()
			defer mu.Unlock()
			if tooLarge := (providers.ErrTooLarge{}); errors.As(err, &tooLarge) {
				large = append(large, err)
				return nil
			}
			found[e.Blob] = content
			return err
		})
	}
	err := group.Wait()
	return found, large, err
}

// blob reads and proves one blob.
func (p *Provider) blob(ctx context.Context, repo providers.Repo, e providers.TreeEntry) ([]byte, error) {
	var b github.Blob
	if err := p.get(ctx, repo, pathf("/git/blobs/%s", e.Blob), &b); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Path, unknownCommit(err))
	}
	if int64(b.GetSize()) > p.o.MaxBlob {
		return nil, providers.ErrTooLarge{Path: e.Path, Limit: p.o.MaxBlob}
	}
	content := []byte(b.GetContent())
	if b.GetEncoding() == "base64" {
		var err error
		content, err = base64.StdEncoding.DecodeString(strings.ReplaceAll(b.GetContent(), "\n", ""))
		if err != nil {
			return nil, fault.New(fault.Unreachable, "the forge's answer is no base64").At(e.Path).Because(err)
		}
	}
	if id := blobID(content); id != e.Blob {
		return nil, fault.New(fault.Unreachable, "the forge sent other content than %s", e.Blob).At(e.Path)
	}
	return content, nil
}

// blobID is git's id of a content.
func blobID(content []byte) string {
	h := sha1.New() //nolint:gosec // see above
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}
