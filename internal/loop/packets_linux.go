package loop

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Datagram is what a [Receiver] gets.
type Datagram struct {
	Data  []byte
	Peer  *Sockaddr  // who has sent it
	Local netip.Addr // to which address; only for sockets bound to a wildcard
}

// Receiver is told of datagrams and of trouble with getting them.
type Receiver interface {
	// Received hands over a datagram, which is valid during the call.
	Received(d *Datagram)

	// ReceiveFailed is told of an error of recvmsg; a nil error is a datagram
	// that did not fit.
	ReceiveFailed(err error)
}

// Packets receives the datagrams of a socket that many peers send to.
type Packets struct {
	loop   *Loop
	fd     int
	slot   int32
	to     Receiver
	got    Datagram // that to is being told of
	closed bool
}

// Receive starts receiving from a bound, non-blocking datagram socket. Of one
// that is bound to a wildcard the addresses that datagrams are sent to are
// asked for. The caller keeps the socket and closes it after the Packets.
func (l *Loop) Receive(fd int, wildcard bool, to Receiver) (*Packets, error) {
	if l.inbox == nil {
		l.inbox = newAddressedBatch()
	}
	if wildcard {
		// Without, answers come from the address that the kernel chooses.
		if family, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); family == unix.AF_INET6 {
			_ = SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		} else {
			_ = SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	}
	p := &Packets{loop: l, fd: fd, to: to}
	return p, l.register(&p.slot, fd, p, unix.EPOLLIN)
}

// ready takes what one system call gives. There will be another event if that
// was not all.
func (p *Packets) ready(uint32) {
	b := p.loop.inbox
	n, errno := b.receive(p.fd, BatchSize, MaxDatagram)
	if errno != 0 {
		if errno != unix.EAGAIN && errno != unix.EINTR {
			p.to.ReceiveFailed(errno)
		}
		return
	}
	for i := range n {
		p.deliver(b, i)
	}
}

func (p *Packets) deliver(b *Batch, i int) {
	defer p.loop.guard(p.to)
	if b.truncated(i) {
		p.to.ReceiveFailed(nil)
		return
	}
	p.got = Datagram{Data: b.Data(i), Peer: b.peer(i), Local: b.local(i)}
	p.to.Received(&p.got)
}

// Send sends a datagram to a peer. It comes from a local address, unless that
// is the zero value. Any goroutine may call Send, until Close.
func (p *Packets) Send(data []byte, to *Sockaddr, from netip.Addr) error {
	var errno syscall.Errno
	if from.IsValid() {
		errno = sendFrom(p.fd, data, to, from)
	} else {
		_, _, errno = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(p.fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)),
			unix.MSG_NOSIGNAL, uintptr(unsafe.Pointer(&to.raw)), uintptr(to.len))
	}
	if errno != 0 {
		return errno
	}
	return nil
}

func sendFrom(fd int, data []byte, to *Sockaddr, from netip.Addr) syscall.Errno {
	var c control
	part := unix.Iovec{Base: unsafe.SliceData(data)}
	part.SetLen(len(data))
	m := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&to.raw)), Namelen: to.len, Iov: &part, Control: &c.bytes()[0]}
	m.SetIovlen(1)
	m.SetControllen(c.source(from))
	_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(fd), uintptr(unsafe.Pointer(&m)), unix.MSG_NOSIGNAL)
	return errno
}

// Close stops receiving. The socket stays open, with what has come and was not
// received.
func (p *Packets) Close() {
	if !p.closed {
		p.closed = true
		_ = p.loop.control(unix.EPOLL_CTL_DEL, p.fd, p.slot, 0)
		p.loop.forget(&p.slot)
	}
}
