// Package reviewer says what SQL would do to a database that exists, and what
// is wrong with it: SQL in, findings out.
package reviewer
