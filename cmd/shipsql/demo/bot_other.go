//go:build !linux

package demo

import "syscall"

// diesWithUs has no equal outside Linux: the bot is ended in order only.
func diesWithUs() *syscall.SysProcAttr { return nil }
