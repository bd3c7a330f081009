//go:build !linux

package demo

import "syscall"

// alone has no equal outside Linux: the bot is ended in order only.
func alone() *syscall.SysProcAttr { return nil }
