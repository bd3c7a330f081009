package github

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/providers"
)

// maxUnpacked bounds what we unpack of an archive, whose other files count too.
const maxUnpacked = 4 << 30

// fromArchive reads many blobs out of one archive of the commit. What the
// archive lacks or alters (.gitattributes can leave files out or substitute
// text, LFS can replace them) is not in the map.
func (p *Provider) fromArchive(ctx context.Context, repo providers.Repo, commit string, wanted map[string]providers.TreeEntry) (map[string][]byte, error) {
	link, err := p.archiveLink(ctx, repo, commit)
	if err != nil {
		return nil, err
	}
	body, err := p.download(ctx, link)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	found, err := unpack(body, wanted, p.o.MaxBlob)
	if err != nil {
		return nil, p.translate(ctx, fmt.Errorf("archive of %s at %s: %w", repo, commit, err))
	}
	return found, nil
}

// archiveLink asks where the archive is; the address carries its own token and
// may be on another host.
func (p *Provider) archiveLink(ctx context.Context, repo providers.Repo, commit string) (*url.URL, error) {
	s, err := of(repo)
	if err != nil {
		return nil, err
	}
	var link redirect
	_, err = p.call(ctx, s, request{method: http.MethodGet, path: s.path + pathf("/tarball/%s", commit)}, &link)
	return link.to, err
}

// download opens the archive, without credentials of ours.
func (p *Provider) download(ctx context.Context, link *url.URL) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link.String(), nil)
	if err != nil {
		return nil, fault.New(fault.Internal, "%s", secret.Redact(err.Error()))
	}
	resp, err := p.archive.Do(req)
	if err != nil {
		return nil, p.translate(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return nil, p.translate(ctx, github.CheckResponse(resp))
	}
	return resp.Body, nil
}

// unpack takes the wanted files of at most limit bytes out of a tar.gz, each
// proven by its blob id, and stops when it has them all.
func unpack(body io.Reader, wanted map[string]providers.TreeEntry, limit int64) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(body)
	if err != nil {
		return nil, err
	}
	byPath := map[string]providers.TreeEntry{}
	for _, e := range wanted {
		byPath[e.Path] = e
	}
	found := map[string][]byte{}
	files := tar.NewReader(io.LimitReader(unzipped, maxUnpacked))
	for len(found) < len(wanted) {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		_, path, _ := strings.Cut(header.Name, "/") // below a folder named after the commit
		e, ok := byPath[path]
		if !ok || header.Size > limit {
			continue
		}
		content, err := io.ReadAll(files)
		if err != nil {
			return nil, err
		}
		if blobID(content) == e.Blob {
			found[e.Blob] = content
		}
	}
	return found, nil
}
