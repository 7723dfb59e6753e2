package loop

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// eventsPerWait is nginx's epoll_events.
const eventsPerWait = 512

const (
	inlet   = unix.EPOLLIN | unix.EPOLLRDHUP
	trigger = 1 << 31 // EPOLLET
)

// poller is an epoll instance with an eventfd to wake it.
type poller struct {
	epfd, wakefd int
	list         *[eventsPerWait]unix.EpollEvent
}

func (p *poller) open() (err error) {
	p.list = new([eventsPerWait]unix.EpollEvent)
	if p.epfd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	if p.wakefd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		unix.Close(p.epfd)
		return err
	}
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: -1}
	if err = unix.EpollCtl(p.epfd, unix.EPOLL_CTL_ADD, p.wakefd, &ev); err != nil {
		p.close()
	}
	return err
}

func (p *poller) close() {
	unix.Close(p.epfd)
	unix.Close(p.wakefd)
}

func (p *poller) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(p.wakefd, one[:])
}

// drain takes back what wake wrote.
func (p *poller) drain() {
	var count [8]byte
	_, _ = unix.Read(p.wakefd, count[:])
}

// wait waits up to timeout milliseconds (-1: without end) for events.
//
// It asks without waiting first: under load there are always events, and a raw
// system call spares the Go scheduler's bookkeeping. A wait of a millisecond is
// raw too. The scheduler cannot see it, and a collection of garbage has to wait
// for it to end; its signal usually does that at once. Only a loop with nothing
// to do blocks in a way that lets the processor go.
func (p *poller) wait(timeout int) (int, error) {
	n, errno := p.rawWait(0)
	if n == 0 && errno == 0 && timeout != 0 {
		n, errno = p.rawWait(1)
		if n == 0 && errno == 0 && timeout != 1 {
			n, errno = p.blockingWait(timeout)
		}
	}
	if errno != 0 && errno != unix.EINTR {
		return 0, errno
	}
	return n, nil
}

func (p *poller) rawWait(timeout int) (int, syscall.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epfd), uintptr(unsafe.Pointer(p.list)), eventsPerWait, uintptr(timeout), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

func (p *poller) blockingWait(timeout int) (int, syscall.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_EPOLL_PWAIT, uintptr(p.epfd), uintptr(unsafe.Pointer(p.list)), eventsPerWait, uintptr(timeout), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

// event returns the i-th event: descriptor (-1: somebody called wake), serial
// number of its registration, and what to raise.
func (p *poller) event(i int) (fd int32, serial uint32, raise flags) {
	ev := &p.list[i]
	if ev.Events&(inlet|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		raise = readable | arrived
	}
	if ev.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		raise |= hangup
	}
	if ev.Events&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		raise |= writable
	}
	return ev.Fd, uint32(ev.Pad), raise
}

// add registers a socket for reading and, if out is set, writing.
func (p *poller) add(fd int, serial uint32, out bool) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, serial, interest(out))
}

func (p *poller) modify(fd int, serial uint32, out bool) error {
	return p.control(unix.EPOLL_CTL_MOD, fd, serial, interest(out))
}

func interest(out bool) uint32 {
	if out {
		return inlet | unix.EPOLLOUT | trigger
	}
	return inlet | trigger
}

// listen registers a listening socket: level-triggered, because one connection is
// taken per event, and exclusive, because one loop is enough for it.
func (p *poller) listen(fd int, serial uint32) error {
	return p.control(unix.EPOLL_CTL_ADD, fd, serial, unix.EPOLLIN|unix.EPOLLEXCLUSIVE)
}

func (p *poller) remove(fd int) {
	_ = p.control(unix.EPOLL_CTL_DEL, fd, 0, 0)
}

func (p *poller) control(op, fd int, serial, events uint32) error {
	ev := unix.EpollEvent{Events: events, Fd: int32(fd), Pad: int32(serial)}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(p.epfd), uintptr(op), uintptr(fd), uintptr(unsafe.Pointer(&ev)), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
