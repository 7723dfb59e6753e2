package loop

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// acceptPause is how long accepting stops when descriptors or memory run out;
// nginx's default of accept_mutex_delay.
const acceptPause = 500 * time.Millisecond

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
	return ln.loop.register(ln.fd, ln, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
}

// ready accepts one connection, as nginx does: the others are still there when
// events are fetched again, and meanwhile old connections get their turn.
func (ln *Listener) ready(uint32) {
	fd, errno := accept(ln.fd, &ln.peer)
	switch errno {
	case 0:
		ln.to.Accepted(fd, &ln.peer)
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
	ln.loop.Start(&ln.timer, acceptPause, ln)
}

// Timeout ends a pause.
func (ln *Listener) Timeout(*Timer) {
	if !ln.closed {
		_ = ln.resume()
	}
}

func (ln *Listener) stop() {
	_ = ln.loop.control(unix.EPOLL_CTL_DEL, ln.fd, 0)
	ln.loop.forget(ln.fd)
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
}
