package stream

// proxy_bind.go - our end of upstream connections: proxy_bind, and what is set
// on a socket before it connects. What takes system calls is in
// proxy_bind_unix.go and its twin.

import (
	"errors"
	"net/netip"
	"os"
	"strings"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
)

// ProxyBind is the address that connections to upstreams come from. The zero
// value leaves it to the system.
type ProxyBind struct {
	// Address is ADDRESS, ADDRESS:PORT or [IPv6]:PORT, a complex value that
	// yields one of these or nothing, or "off": none, whatever the stream block
	// says.
	Address string

	// Transparent allows an address that is not one of the machine's. The
	// process needs CAP_NET_RAW for it.
	Transparent bool
}

const bindOff = "off"

// parseProxyBind reads the arguments of proxy_bind.
func parseProxyBind(d *conf.Directive) (b ProxyBind, err error) {
	b.Address = d.Args[0]
	if len(d.Args) == 1 && b.Address == bindOff {
		return b, nil
	}
	if err := d.CheckValue(b.Address); err != nil {
		return b, err
	}
	if _, ok := addr.ParseIPPort(b.Address); !ok && !strings.Contains(b.Address, "$") {
		return b, d.Errorf("invalid address \"%s\"", b.Address)
	}
	if len(d.Args) == 1 {
		return b, nil
	}
	if d.Args[1] != "transparent" {
		return b, d.Errorf("invalid parameter \"%s\"", d.Args[1])
	}
	if b.Transparent = hasTransparent; !b.Transparent {
		d.Log("emerg", "transparent proxying is not supported on this platform, ignored")
	}
	return b, nil
}

// localEnd is an address to bind to, and its text, which log lines show.
type localEnd struct {
	addr        netip.AddrPort
	text        string
	transparent bool
}

// proxyBind is a compiled [ProxyBind].
type proxyBind struct {
	fixed *localEnd // of a literal address
	value *template // of one with variables
	end   localEnd  // what value's result is put in
}

func (g *generation) compileBind(from ProxyBind) (b proxyBind, err error) {
	if from.Address == "" || from.Address == bindOff {
		return b, nil
	}
	if b.value, err = g.compile(from.Address); err != nil {
		return b, err
	}
	b.end.transparent = from.Transparent
	if text, static := b.value.Static(); static {
		b.fixed = &localEnd{text: text, transparent: from.Transparent}
		b.fixed.addr, _ = addr.ParseIPPort(text)
	}
	return b, nil
}

// chooseLocal finds out where the session's upstream connections come from: nil
// leaves it to the system, as a value does that is empty or no address.
func (s *Session) chooseLocal() *localEnd {
	b := &s.srv.proxy.bind
	if b.fixed != nil || b.value == nil {
		return b.fixed
	}
	text := string(b.value.Append(nil, s))
	if text == "" {
		return nil
	}
	end := b.end
	var ok bool
	if end.addr, ok = addr.ParseIPPort(text); !ok {
		s.logf(errlog.Error, "invalid local address \"%s\"", text)
		return nil
	}
	end.text = text
	return &end
}

// localError is a failed call on a socket that is not yet connecting: no
// server is to blame for it, and no other would be reached either.
type localError struct {
	level errlog.Level
	call  string
	err   error
}

// Error implements error.
func (e *localError) Error() string { return e.call + " failed: " + e.err.Error() }

// Unwrap returns the system's error.
func (e *localError) Unwrap() error { return e.err }

// noSocket is the failure to make a socket at all.
func noSocket(err error) error {
	var call *os.SyscallError
	if errors.As(err, &call) {
		err = call.Err
	}
	return &localError{errlog.Alert, "socket()", err}
}
