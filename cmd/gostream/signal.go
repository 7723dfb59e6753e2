package main

// signal.go - life after the start: waiting for signals and doing as they say.

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gostream/gostream/internal/process"
)

// subscribe makes all signals that are taken arrive at the channel.
func subscribe() chan os.Signal {
	process.IgnoreSignals()
	const pending = 32 // signals that come while a reload is under way
	c := make(chan os.Signal, pending)
	for _, s := range process.Signals() {
		signal.Notify(c, s.Number)
	}
	return c
}

// actionText is what nginx adds to the log line of a signal.
var actionText = map[process.Action]string{
	process.Stop:    ", exiting",
	process.Quit:    ", shutting down",
	process.Reload:  ", reconfiguring",
	process.Reopen:  ", reopening logs",
	process.Upgrade: ", changing binary",
}

// obey handles signals until the program has to end.
func (p *program) obey(signals <-chan os.Signal) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	var ended chan struct{} // closed when a graceful stop is done; nil before one
	for {
		select {
		case <-ended:
			return
		case s := <-signals:
			sig := process.SignalOf(s.(syscall.Signal))
			p.noteSignal(sig, p.textOf(sig.Action))
			switch action := sig.Action; {
			case action == process.Stop && ended == nil:
				p.srv.Close()
				return
			case action == process.Stop:
				stop()
			case action == process.Quit && ended == nil:
				ended = p.quit(ctx)
			case action == process.Reload && ended == nil:
				p.reload()
			case action == process.Reopen:
				p.reopen()
			case action == process.Upgrade && p.barsUpgrade():
				p.noteBarred()
			}
		}
	}
}

// textOf is what nginx adds to the log line of a signal where there is one
// process.
func (p *program) textOf(a process.Action) string {
	if a == process.Upgrade && p.barsUpgrade() {
		return ", ignoring"
	}
	return actionText[a]
}

// noteSignal logs a signal, and what it leads to.
func (p *program) noteSignal(s process.Signal, text string) {
	p.out.notice("signal %d (%s) received%s", int(s.Number), s.Name, text)
}

// quit begins a graceful stop. The channel is closed at its end.
func (p *program) quit(ctx context.Context) chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.shutDown(ctx)
	}()
	return ended
}

// noteSystem logs what nginx does when it starts.
func (p *program) noteSystem(compiler string) {
	p.noteMethod()
	p.out.notice("%s", versionText())
	p.out.notice("built by %s", compiler)
	p.out.notice("OS: %s", process.System())
	if soft, hard, err := process.FileLimit(); err == nil {
		p.out.notice("getrlimit(RLIMIT_NOFILE): %s:%s", limitText(soft), limitText(hard))
	}
}

func (p *program) noteMethod() { p.out.notice(`using the "%s" event method`, nativeMethod()) }

// limitText prints a limit as nginx does: "infinity" is -1.
func limitText(n uint64) string { return fmt.Sprint(int64(n)) }
