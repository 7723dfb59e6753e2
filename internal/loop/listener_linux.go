package loop

import (
	"cmp"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// defaultAcceptPause is nginx's accept_mutex_delay.
const defaultAcceptPause = 500 * time.Millisecond

// Acceptor is told of new connections and of trouble with getting them.
type Acceptor interface {
	// Accepted hands over a new socket and the address of its peer, which is
	// valid during the call.
	Accepted(fd int, peer *Sockaddr)

	// AcceptFailed is told of an error, once for each time that accepting has
	// to pause because of it.
	AcceptFailed(err error)
}

// Listener accepts connections on a loop. Several loops may listen on one
// socket: the kernel wakes one of them for a connection.
type Listener struct {
	loop   *Loop
	fd     int
	slot   int32
	to     Acceptor
	peer   Sockaddr
	timer  Timer
	closed bool
}

// Listen starts accepting on a listening, non-blocking socket. The caller keeps
// the socket and closes it after the Listener.
func (l *Loop) Listen(fd int, to Acceptor) (*Listener, error) {
	ln := &Listener{loop: l, fd: fd, to: to}
	return ln, ln.resume()
}

func (ln *Listener) resume() error {
	return ln.loop.register(&ln.slot, ln.fd, ln, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
}

// ready accepts one connection, as nginx does: the others are still there when
// events are fetched again, and meanwhile old connections get their turn.
func (ln *Listener) ready(uint32) {
	for ln.accept() && ln.loop.opt.MultiAccept && !ln.closed {
	}
}

// accept reports whether there was a connection.
func (ln *Listener) accept() bool {
	fd, errno := accept(ln.fd, &ln.peer)
	if errno != 0 {
		ln.failed(errno)
		return false
	}
	ln.to.Accepted(fd, &ln.peer)
	return true
}

func (ln *Listener) failed(errno syscall.Errno) {
	switch errno {
	case unix.EAGAIN, unix.EINTR:
		// Another loop was faster.
	case unix.ECONNABORTED:
		ln.to.AcceptFailed(errno)
	default:
		ln.pause(errno)
	}
}

// pause stops accepting for a while: a level-triggered listener that cannot
// accept would otherwise keep the loop busy.
func (ln *Listener) pause(errno syscall.Errno) {
	ln.to.AcceptFailed(errno)
	ln.stop()
	ln.loop.Start(&ln.timer, cmp.Or(ln.loop.opt.AcceptPause, defaultAcceptPause), ln)
}

// Timeout ends a pause.
func (ln *Listener) Timeout(*Timer) {
	if !ln.closed {
		_ = ln.resume()
	}
}

func (ln *Listener) stop() {
	_ = ln.loop.control(unix.EPOLL_CTL_DEL, ln.fd, ln.slot, 0)
	ln.loop.forget(&ln.slot)
}

// Close stops accepting. The socket stays open.
func (ln *Listener) Close() {
	if ln.closed {
		return
	}
	ln.closed = true
	if ln.timer.Running() {
		ln.loop.StopTimer(&ln.timer)
		return
	}
	ln.stop()
	ln.drain()
}

// maxDrained is more than the kernel queues.
const maxDrained = 1 << 16

// drain accepts what has come. If the kernel has woken this loop for a
// connection, no other loop or process that shares the socket was woken.
func (ln *Listener) drain() {
	for range maxDrained {
		fd, errno := accept(ln.fd, &ln.peer)
		if errno != 0 {
			return
		}
		ln.to.Accepted(fd, &ln.peer)
	}
}
