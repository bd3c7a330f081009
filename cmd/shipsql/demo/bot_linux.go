package demo

import "syscall"

// alone keeps the terminal's Ctrl-C from the bot, so that only we end it, and
// makes the kernel kill it when this process dies, however.
func alone() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
