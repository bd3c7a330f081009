//go:build !unix

package spool

import "io"

// Read returns all of r as bytes that must not be written to.
func Read(r io.Reader) ([]byte, error) { return io.ReadAll(r) }
