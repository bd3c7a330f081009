package demo

import "syscall"

// diesWithUs makes the kernel kill the bot when this process dies, however.
func diesWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
