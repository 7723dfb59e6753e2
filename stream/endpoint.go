package stream

import (
	"net/netip"
	"strconv"

	"github.com/gostream/gostream/internal/addr"
)

// endpoint is one end of a connection: an IP address and port, a unix socket,
// or, on a network of a library user, something that has a text only. The zero
// value is an end that is not known.
type endpoint struct {
	ip   netip.AddrPort
	unix bool
	text string // the path of a unix socket, empty if it is not bound; else of an address that is no IP address
}

// endpointAt is the endpoint of an address of a configuration.
func endpointAt(a addr.Addr) endpoint {
	return endpoint{ip: a.AddrPort(), unix: a.IsUnix(), text: a.Path()}
}

func (e endpoint) isIP() bool { return e.ip.IsValid() }

func (e endpoint) known() bool { return e != endpoint{} }

// isNamed reports whether the endpoint can be told from others: an IP address,
// or a unix socket that is bound.
func (e endpoint) isNamed() bool { return e.isIP() || e.text != "" }

// appendHost writes the address as $remote_addr shows it, nothing if it is not
// known.
func (e endpoint) appendHost(b []byte) []byte {
	switch {
	case e.isIP():
		return e.ip.Addr().AppendTo(b)
	case e.unix:
		b = append(b, "unix:"...)
	}
	return append(b, e.text...)
}

// appendPort writes the port; only IP addresses have one, unless it is 0.
func (e endpoint) appendPort(b []byte) []byte {
	if e.ip.Port() == 0 {
		return b
	}
	return strconv.AppendUint(b, uint64(e.ip.Port()), 10)
}

// appendBinary writes the 4 or 16 bytes of an IP address; others have only a
// text.
func (e endpoint) appendBinary(b []byte) []byte {
	switch a := e.ip.Addr(); {
	case a.Is4():
		v := a.As4()
		return append(b, v[:]...)
	case a.Is6():
		v := a.As16()
		return append(b, v[:]...)
	}
	return e.appendHost(b)
}

// appendLogged writes the address the way the context of log lines shows it.
func (e endpoint) appendLogged(b []byte) []byte {
	if !e.known() {
		return append(b, "unknown"...)
	}
	return e.appendHost(b)
}

// append writes address and port the way log lines show a peer.
func (e endpoint) append(b []byte) []byte {
	if e.isIP() {
		return e.ip.AppendTo(b)
	}
	return e.appendLogged(b)
}
