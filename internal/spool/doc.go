// Package spool holds texts that are too large for memory: as a copy in an
// unlinked temporary file that is mapped read-only, so that nobody can change or
// shorten it while it is read. A mapped page is resident from when it is read;
// whoever reads much of a text says so by Passed, or reads it by Parts, and the
// pages are given back. Where the system can't do that, the text is in memory.
package spool
