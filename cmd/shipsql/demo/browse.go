package demo

import (
	"os/exec"
	"runtime"
)

// OpenBrowser opens url in the person's browser where that is possible; where
// it isn't, the printed address has to do.
func OpenBrowser(url string) {
	command := exec.Command("xdg-open", url)
	if runtime.GOOS == "darwin" {
		command = exec.Command("open", url)
	}
	if command.Start() == nil {
		go func() { _ = command.Wait() }()
	}
}
