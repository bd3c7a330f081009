// Package spool holds texts that are too large for memory: as a copy in an
// unlinked temporary file that is mapped read-only, so that nobody can change or
// shorten it while it is read, and whose pages are given back as fast as they are
// read. Where the system can't do that, the text is in memory.
package spool
