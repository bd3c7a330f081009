package deploy

import "io/fs"

// Schema holds the files of this room's tables, for who compares a store with
// what this program knows.
func Schema() fs.FS { return schema }
