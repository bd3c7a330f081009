// Package npm reads files out of packages of the npm registry, for the scripts
// that keep a part of one in this repository.
package npm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Files downloads a package ("name@version") with the npm client and returns
// the named files of it by path, e.g. "package/LICENSE".
func Files(ctx context.Context, spec string, paths ...string) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "npm-pack-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	out, err := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", dir, spec).Output()
	if err != nil {
		return nil, fmt.Errorf("npm pack %s: %w", spec, err)
	}
	archive, err := os.Open(filepath.Join(dir, strings.TrimSpace(string(out))))
	if err != nil {
		return nil, err
	}
	defer func() { _ = archive.Close() }()
	files, err := extract(archive, paths)
	if err == nil && len(files) != len(paths) {
		err = fmt.Errorf("%s lacks some of %v", spec, paths)
	}
	return files, err
}

func extract(archive io.Reader, paths []string) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for tape := tar.NewReader(unzipped); ; {
		header, err := tape.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if slices.Contains(paths, header.Name) {
			if files[header.Name], err = io.ReadAll(tape); err != nil {
				return nil, err
			}
		}
	}
}

// Compress gzips data the same way every time.
func Compress(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
