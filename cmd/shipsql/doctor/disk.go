package doctor

import "syscall"

// freeBytes is what an ordinary account may still write on the folder's disk.
func freeBytes(folder string) (free int64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return 0, false
	}
	return int64(fs.Bavail) * int64(fs.Bsize), true //nolint:unconvert // their types differ by platform
}
