package stream

import (
	"net/netip"
	"strconv"
)

// endpoint is one end of a connection: an IP address and port, or the path of
// a unix socket (empty for a client that did not bind one).
type endpoint struct {
	ip   netip.AddrPort
	path string
}

func (e endpoint) isUnix() bool { return !e.ip.IsValid() }

// appendHost writes the address as $remote_addr shows it.
func (e endpoint) appendHost(b []byte) []byte {
	if e.isUnix() {
		return append(append(b, "unix:"...), e.path...)
	}
	return e.ip.Addr().AppendTo(b)
}

// appendPort writes the port; unix sockets and port 0 have none.
func (e endpoint) appendPort(b []byte) []byte {
	if e.ip.Port() == 0 {
		return b
	}
	return strconv.AppendUint(b, uint64(e.ip.Port()), 10)
}

// appendBinary writes the 4 or 16 bytes of the address.
func (e endpoint) appendBinary(b []byte) []byte {
	switch a := e.ip.Addr(); {
	case e.isUnix():
		return append(b, "unix:"...)
	case a.Is4():
		v := a.As4()
		return append(b, v[:]...)
	default:
		v := a.As16()
		return append(b, v[:]...)
	}
}

// append writes address and port the way log lines show a peer.
func (e endpoint) append(b []byte) []byte {
	if e.isUnix() {
		return e.appendHost(b)
	}
	return e.ip.AppendTo(b)
}
