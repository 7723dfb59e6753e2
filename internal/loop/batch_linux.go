package loop

import (
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// MaxDatagram is the longest datagram that is received whole (bytes).
	MaxDatagram = 65535

	// BatchSize is how many datagrams a Batch has room for.
	BatchSize = 32

	// slotSize keeps the beginnings of datagrams, which is mostly all there is
	// of them, from competing for the same lines of the processor's cache.
	slotSize = MaxDatagram + 1 + 4*64
)

// Batch is room for the datagrams that one system call receives. Only the pages
// that are written to take memory.
type Batch struct {
	headers  [BatchSize]messageHeader
	parts    [BatchSize]unix.Iovec
	names    [BatchSize]Sockaddr
	controls [BatchSize]control
	room     []byte
	used     int // headers that the kernel has written to
}

// messageHeader is the kernel's struct mmsghdr.
type messageHeader struct {
	unix.Msghdr
	n uint32
}

// control is room for the ancillary data that tells the local address.
type control [8]uint64

func (c *control) bytes() []byte { return (*[unsafe.Sizeof(control{})]byte)(unsafe.Pointer(c))[:] }

// NewBatch makes a batch for datagrams of connected sockets.
func NewBatch() *Batch {
	b := &Batch{room: make([]byte, BatchSize*slotSize)}
	for i := range b.headers {
		b.parts[i].Base = &b.room[i*slotSize]
		b.headers[i].Iov = &b.parts[i]
		b.headers[i].SetIovlen(1)
	}
	return b
}

// newAddressedBatch makes a batch that also takes in where datagrams come from
// and, where the socket tells it, whereto they were sent.
func newAddressedBatch() *Batch {
	b := NewBatch()
	for i := range b.headers {
		b.headers[i].Name = (*byte)(unsafe.Pointer(&b.names[i].raw))
		b.headers[i].Control = &b.controls[i].bytes()[0]
	}
	b.used = BatchSize
	return b
}

// receive takes at most count datagrams from a socket, and size bytes of each.
func (b *Batch) receive(fd, count, size int) (int, syscall.Errno) {
	for i := range b.headers[:b.used] {
		h := &b.headers[i]
		if h.Name != nil {
			h.Namelen = unix.SizeofSockaddrAny
			h.SetControllen(len(b.controls[i].bytes()))
		}
	}
	count = min(count, BatchSize)
	for i := range b.parts[:count] {
		b.parts[i].SetLen(min(size, MaxDatagram))
	}
	n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers)), uintptr(count), 0, 0, 0)
	if errno != 0 {
		b.used = 0
		return 0, errno
	}
	b.used = int(n)
	return int(n), 0
}

// Data is a datagram that was received. It is valid until the batch is used
// again.
func (b *Batch) Data(i int) []byte {
	start := i * slotSize
	return b.room[start : start+int(b.headers[i].n)]
}

func (b *Batch) truncated(i int) bool {
	return b.headers[i].Flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0
}

// peer is the sender of a datagram. A unix socket that is not bound has no name,
// and gets one that nobody has.
func (b *Batch) peer(i int) *Sockaddr {
	b.names[i].len = b.headers[i].Namelen
	if b.names[i].len == 0 {
		b.names[i] = Sockaddr{len: unix.SizeofSockaddrInet4}
		b.names[i].raw.Addr.Family = unix.AF_UNIX
	}
	return &b.names[i]
}

// local is the address that a datagram was sent to, if the socket tells.
func (b *Batch) local(i int) netip.Addr {
	data := b.controls[i].bytes()[:b.headers[i].Controllen]
	for len(data) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&data[0]))
		body := data[unix.CmsgLen(0):]
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO:
			return netip.AddrFrom4((*unix.Inet4Pktinfo)(unsafe.Pointer(&body[0])).Addr)
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO:
			return netip.AddrFrom16((*unix.Inet6Pktinfo)(unsafe.Pointer(&body[0])).Addr)
		}
		data = data[min(unix.CmsgSpace(int(h.Len)-unix.CmsgLen(0)), len(data)):]
	}
	return netip.Addr{}
}

// source writes the ancillary data that makes a datagram come from an address,
// and returns its length.
func (c *control) source(ip netip.Addr) int {
	*c = control{}
	h := (*unix.Cmsghdr)(unsafe.Pointer(c))
	body := unsafe.Pointer(&c.bytes()[unix.CmsgLen(0)])
	if ip.Is4() {
		h.Level, h.Type = unix.IPPROTO_IP, unix.IP_PKTINFO
		h.SetLen(unix.CmsgLen(unix.SizeofInet4Pktinfo))
		(*unix.Inet4Pktinfo)(body).Spec_dst = ip.As4()
		return unix.CmsgSpace(unix.SizeofInet4Pktinfo)
	}
	h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_PKTINFO
	h.SetLen(unix.CmsgLen(unix.SizeofInet6Pktinfo))
	(*unix.Inet6Pktinfo)(body).Addr = ip.As16()
	return unix.CmsgSpace(unix.SizeofInet6Pktinfo)
}
