package stream

// udp_addressed.go - for sockets bound to a wildcard: which address a datagram
// was sent to, and answers from there, where the system can do that.

import (
	"net"
	"net/netip"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// addressedConn is a datagram socket. The local address is the zero value if it
// is that of the socket, or not known.
type addressedConn interface {
	receive(p []byte) (n int, from net.Addr, local netip.Addr, err error)
	send(p []byte, to net.Addr, local netip.Addr) error
}

// addressed asks for local addresses if the socket may have several.
func addressed(conn net.PacketConn) addressedConn {
	at, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok || !at.IP.IsUnspecified() {
		return plainPackets{conn}
	}
	if at.IP.To4() == nil {
		if p := ipv6.NewPacketConn(conn); p.SetControlMessage(ipv6.FlagDst, true) == nil {
			udp, _ := conn.(*net.UDPConn)
			return packets6{p, udp}
		}
	} else if p := ipv4.NewPacketConn(conn); p.SetControlMessage(ipv4.FlagDst, true) == nil {
		return packets4{p}
	}
	return plainPackets{conn}
}

type plainPackets struct{ net.PacketConn }

func (c plainPackets) receive(p []byte) (int, net.Addr, netip.Addr, error) {
	n, from, err := c.ReadFrom(p)
	return n, from, netip.Addr{}, err
}

func (c plainPackets) send(p []byte, to net.Addr, _ netip.Addr) error {
	_, err := c.WriteTo(p, to)
	return err
}

type packets4 struct{ *ipv4.PacketConn }

func (c packets4) receive(p []byte) (n int, from net.Addr, local netip.Addr, err error) {
	n, cm, from, err := c.ReadFrom(p)
	if cm != nil {
		local, _ = netip.AddrFromSlice(cm.Dst.To4())
	}
	return n, from, local, err
}

func (c packets4) send(p []byte, to net.Addr, local netip.Addr) error {
	var cm *ipv4.ControlMessage
	if local.IsValid() {
		cm = &ipv4.ControlMessage{Src: local.AsSlice()}
	}
	_, err := c.WriteTo(p, cm, to)
	return err
}

type packets6 struct {
	*ipv6.PacketConn
	udp *net.UDPConn // the same; nil: it is another kind
}

func (c packets6) receive(p []byte) (n int, from net.Addr, local netip.Addr, err error) {
	n, cm, from, err := c.ReadFrom(p)
	if cm != nil {
		local, _ = netip.AddrFromSlice(cm.Dst)
	}
	return n, from, local, err
}

func (c packets6) send(p []byte, to net.Addr, local netip.Addr) error {
	if at, ok := to.(*net.UDPAddr); ok && local.Is4In6() && c.udp != nil {
		// A client of IPv4 on a socket for both.
		cm := &ipv4.ControlMessage{Src: local.Unmap().AsSlice()}
		_, _, err := c.udp.WriteMsgUDP(p, cm.Marshal(), at)
		return err
	}
	var cm *ipv6.ControlMessage
	if local.IsValid() {
		cm = &ipv6.ControlMessage{Src: local.AsSlice()}
	}
	_, err := c.WriteTo(p, cm, to)
	return err
}
