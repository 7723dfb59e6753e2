package main

// worker.go - the process that serves. It begins with the master's rights, to
// read keys and to open logs, and gives them up before the first connection.

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/process"
)

// worker is a program that serves on behalf of a master.
type worker struct {
	*program
	link   *os.File
	orders chan process.Action // of the master
}

// isWorker reports whether a master has started this process.
func isWorker() bool { return os.Getenv(workerMark) != "" }

// runWorker is the life of a worker. It returns the exit code.
func runWorker() int {
	signals := subscribe()
	process.FallBySignal()
	os.Unsetenv(workerMark)
	w := &worker{link: process.Inherited(linkFile, "link"), orders: make(chan process.Action)}
	if err := w.begin(); err != nil {
		_, _ = fmt.Fprintf(w.link, "%c%s %s", linkFailed, failureLevel(err), err)
		return codeFatal
	}
	go w.takeOrders()
	w.obey(signals)
	w.out.notice("exiting")
	w.out.notice("exit")
	return codeOK
}

// begin does everything up to the first connection.
func (w *worker) begin() error {
	file := process.Inherited(handoffFile, "handoff")
	h, err := readHandoff(file)
	file.Close()
	if err != nil {
		return err
	}
	opt, err := parseOptions(h.Args)
	if err != nil {
		return err
	}
	_ = process.SetName(h.Name)
	w.program = &program{opt: opt, at: opt.places(), out: &journal{}, snapshot: &h.Snapshot, label: h.Label, daemonized: h.Daemonized}
	if err := w.prepare(); err != nil {
		return err
	}
	w.out.console = nil
	w.srv.TakeOver(h.sockets())
	if err := w.listen(); err != nil {
		return err
	}
	if err := w.setUpWorker(); err != nil {
		return err
	}
	w.srv.Remember(process.Inherited(memoryFile, "memory"))
	if err := w.serve(); err != nil {
		return err
	}
	w.snapshot = nil
	_, err = w.link.Write([]byte{linkReady})
	return err
}

// takeOrders passes on what the master says. If the master dies, the worker
// goes on.
func (w *worker) takeOrders() {
	actions := map[byte]process.Action{linkQuit: process.Quit, linkStop: process.Stop, linkReopen: process.Reopen}
	for order := make([]byte, 1); ; {
		if _, err := w.link.Read(order); err != nil {
			return
		}
		w.orders <- actions[order[0]]
	}
}

// obey does as signals and orders say until the worker has to end.
func (w *worker) obey(signals <-chan os.Signal) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var ended chan struct{} // closed when a graceful stop is done; nil before one
	for {
		var action process.Action
		select {
		case <-ended:
			return
		case action = <-w.orders:
		case s := <-signals:
			action = w.signalled(s)
		}
		switch {
		case action == process.Stop && ended == nil:
			w.srv.Close()
			return
		case action == process.Stop:
			stop()
		case action == process.Quit && ended == nil:
			process.SetTitle(w.label + ": worker process is shutting down")
			w.out.notice("gracefully shutting down")
			ended = w.quit(ctx)
		case action == process.Reopen:
			w.reopen()
		}
	}
}

// signalled logs a signal. It returns what to do.
func (w *worker) signalled(s os.Signal) process.Action {
	sig := process.SignalOf(s.(syscall.Signal))
	action, text := sig.Action, ""
	switch {
	case action == process.Stop:
		text = ", exiting"
	case action == process.Drain && w.daemonized:
		action = process.Quit
		fallthrough
	case action == process.Quit:
		text = ", shutting down"
	case action == process.Reopen:
		text = ", reopening logs"
	case action == process.Reload, action == process.Upgrade, sig.Name == "SIGIO":
		text = ", ignoring"
	}
	w.noteSignal(sig, text)
	return action
}

// dropPrivileges makes a privileged process run as the configured user.
func (p *program) dropPrivileges() error {
	if os.Geteuid() != 0 {
		return nil
	}
	u := p.settings.main.user
	who := process.Account{Name: u.name, UID: u.uid, GID: u.gid, Groups: u.groups(), RawSockets: p.settings.stream.Transparent()}
	for _, failed := range process.Become(who) {
		if !failed.Minor {
			return failedCall("emerg", failed.Call, failed.Err)
		}
		p.out.write(errlog.Emerg, failed.Error(), failed.Err)
	}
	return nil
}

// groups are the account's groups, as initgroups() finds them.
func (a *account) groups() []int {
	found := []int{a.gid}
	u, err := user.Lookup(a.name)
	if err != nil {
		return found
	}
	ids, _ := u.GroupIds()
	for _, id := range ids {
		// The user's main group is not among them, unless it is a.gid.
		if n, err := strconv.Atoi(id); err == nil && id != u.Gid && n != a.gid {
			found = append(found, n)
		}
	}
	return found
}
