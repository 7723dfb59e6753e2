package main

// pid.go - the file with the process id, and -s, which needs it.

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/process"
)

// touchPID creates the file, empty, if there is none: a test tells that way
// whether it could be written.
func touchPID(path string) error { return openPID(path, 0, "") }

// writePID puts the id of this process into the file.
func writePID(path string) error {
	return openPID(path, os.O_TRUNC, strconv.Itoa(os.Getpid())+"\n")
}

func openPID(path string, flag int, text string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|flag, 0o644)
	if err != nil {
		return logfile.NewOpenError(path, err)
	}
	if _, err := file.WriteString(text); err != nil {
		file.Close()
		return fmt.Errorf(`pwrite() "%s" failed%s`, path, errlog.AppendErrno(nil, err))
	}
	return file.Close()
}

// removePID deletes the file at the end.
func (p *program) removePID(path string) {
	if err := os.Remove(path); err != nil {
		p.out.write(errlog.Alert, `unlink() "`+path+`" failed`, err)
	}
}

// sendSignal carries out -s: it signals the process named in the file. It
// returns the exit code.
func (p *program) sendSignal(path string) int {
	p.out.notice("signal process started")
	text, err := readPID(path)
	if err != nil {
		p.out.write(errlog.Error, err.Error(), nil)
		return 1
	}
	pid, ok := conf.ParseNumber(text)
	if !ok || pid <= 0 { // 0 would be the own process group
		p.out.write(errlog.Error, fmt.Sprintf(`invalid PID number "%s" in "%s"`, text, path), nil)
		return 1
	}
	action := map[string]process.Action{
		"stop": process.Stop, "quit": process.Quit, "reopen": process.Reopen, "reload": process.Reload,
	}[p.opt.signal]
	sig := process.SignalFor(action)
	if err := process.Send(int(pid), sig); err != nil {
		p.out.write(errlog.Alert, fmt.Sprintf("kill(%d, %d) failed", pid, sig.Number), err)
		return 1
	}
	return 0
}

// readPID returns what stands in the file, without the ends of lines.
func readPID(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", logfile.NewOpenError(path, err)
	}
	defer file.Close()
	const longest = 22 // digits of an int64 and an end of line
	text, err := io.ReadAll(io.LimitReader(file, longest))
	if err != nil {
		return "", fmt.Errorf(`read() "%s" failed%s`, path, errlog.AppendErrno(nil, err))
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
