package stream

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
)

// Listen is one listen directive: an address of a server, and how its socket
// is opened.
type Listen struct {
	// Address is PORT, ADDRESS:PORT, [IPv6]:PORT, *:PORT, NAME:PORT or
	// unix:PATH; a port may be a range, 8000-8010. Port 0, which a file may not
	// have, leaves the choice to the kernel; Server.Addrs tells.
	Address string

	Default       bool // default_server
	UDP           bool
	SSL           bool
	ProxyProtocol bool // connections begin with a PROXY protocol header

	// Bind and everything below are socket options. An address may have them
	// in one server only, and gets a socket of its own.
	Bind      bool
	ReusePort bool // a socket for each event loop
	Deferred  bool // TCP_DEFER_ACCEPT
	Multipath bool // MPTCP
	IPv6Only  Flag // default on
	Backlog   int  // 0 means 511, negative the system's
	FastOpen  *int // TCP_FASTOPEN queue length; nil leaves it off
	RcvBuf    int64
	SndBuf    int64 // bytes; 0 leaves the system's
	KeepAlive KeepAlive

	addrs []addr.Addr // Address, resolved
	set   bool        // a socket option was given
}

// KeepAlive is so_keepalive of a listen: what accepted sockets inherit. Zero
// values leave the system's.
type KeepAlive struct {
	Enabled  Flag
	Idle     time.Duration // TCP_KEEPIDLE, whole seconds
	Interval time.Duration // TCP_KEEPINTVL, whole seconds
	Count    int           // TCP_KEEPCNT
}

// config is the same in the words of package net.
func (k *KeepAlive) config() net.KeepAliveConfig {
	c := net.KeepAliveConfig{Enable: k.Enabled == On, Idle: k.Idle, Interval: k.Interval, Count: k.Count}
	for _, d := range []*time.Duration{&c.Idle, &c.Interval} {
		if *d == 0 {
			*d = -1 // the system's
		}
	}
	if c.Count == 0 {
		c.Count = -1
	}
	return c
}

var listenTable = &conf.Table[ServerConfig]{
	Name: "stream_core",
	Commands: []conf.Command[ServerConfig]{
		{
			Name: "listen", In: conf.Server, Args: conf.AtLeast(1),
			Syntax: "address[:port] [default_server] [ssl] [udp] [proxy_protocol] [fastopen=number] [backlog=number] [rcvbuf=size] [sndbuf=size] [deferred] [bind] [ipv6only=on|off] [reuseport] [multipath] [so_keepalive=on|off|[keepidle]:[keepintvl]:[keepcnt]]",
			Set:    conf.Func(setListen),
		},
	},
}

func setListen(c *ServerConfig, d *conf.Directive) error {
	l := Listen{Address: d.Args[0]}
	if err := l.resolve(addr.Options{Listen: true}); err != nil {
		return d.Errorf("%s", err)
	}
	for _, word := range d.Args[1:] {
		if err := l.option(d, word); err != nil {
			return err
		}
	}
	if option := l.notForUDP(); l.UDP && option != "" {
		return d.Errorf(`"%s" directive "%s" parameter is incompatible with "udp"`, d.Name, option)
	}
	c.Listen = append(c.Listen, l)
	warnings, err := c.stream.book.add(c, &l)
	for _, w := range warnings {
		d.Warnf("%s", w)
	}
	if err != nil {
		return d.Errorf("%s", err)
	}
	return nil
}

// resolve finds the socket addresses behind l.Address.
func (l *Listen) resolve(o addr.Options) error {
	if l.addrs != nil {
		return nil
	}
	u, err := addr.Parse(l.Address, o)
	if err != nil {
		return fmt.Errorf(`%w in "%s" of the "listen" directive`, err, l.Address)
	}
	l.addrs = u.Addrs
	return nil
}

// option takes one word behind the address.
func (l *Listen) option(d *conf.Directive, word string) error {
	switch word {
	case "default_server":
		l.Default = true
		return nil
	case "udp":
		l.UDP = true
		return nil
	case "ssl":
		l.SSL = true
		return nil
	case "proxy_protocol":
		l.ProxyProtocol = true
		return nil
	}
	return l.socketOption(d, word)
}

func (l *Listen) socketOption(d *conf.Directive, word string) error {
	name, value, _ := strings.Cut(word, "=")
	ok := true
	switch {
	case word == "bind":
		l.Bind = true
	case word == "deferred":
		return l.optional(d, &l.Deferred, hasDeferred, "the deferred accept is")
	case word == "reuseport":
		return l.optional(d, &l.ReusePort, hasReusePort, "reuseport is")
	case word == "multipath":
		return l.optional(d, &l.Multipath, hasMultipath, "multipath is")
	case strings.HasPrefix(word, "ipv6only=o"):
		if l.IPv6Only, ok = map[string]Flag{"on": On, "off": Off}[value]; !ok {
			return d.Errorf(`invalid ipv6only flags "%s"`, value)
		}
	case strings.HasPrefix(word, "backlog="):
		l.Backlog, ok = atoi(value)
		ok = ok && l.Backlog > 0
		warnUnless(hasBacklog || !ok, d, name)
	case strings.HasPrefix(word, "fastopen=") && hasFastOpen:
		var n int
		n, ok = atoi(value)
		l.FastOpen = &n
	case strings.HasPrefix(word, "rcvbuf="):
		l.RcvBuf, ok = conf.ParseSize(value)
		warnUnless(hasBuffers || !ok, d, name)
	case strings.HasPrefix(word, "sndbuf="):
		l.SndBuf, ok = conf.ParseSize(value)
		warnUnless(hasBuffers || !ok, d, name)
	case strings.HasPrefix(word, "so_keepalive="):
		if !l.KeepAlive.parse(value) {
			return d.Errorf(`invalid so_keepalive value: "%s"`, value)
		}
	case strings.HasPrefix(word, "accept_filter="):
		d.Log("emerg", fmt.Sprintf(`accept filters "%s" are not supported on this platform, ignored`, word))
		return nil
	default:
		return d.Errorf(`invalid parameter "%s"`, word)
	}
	if !ok {
		return d.Errorf(`invalid %s "%s"`, name, word)
	}
	l.set = true
	return nil
}

// optional takes an option that not all systems have. Like nginx it complains
// in strong words and goes on.
func (l *Listen) optional(d *conf.Directive, field *bool, supported bool, what string) error {
	if !supported {
		d.Log("emerg", what+" not supported on this platform, ignored")
		return nil
	}
	*field, l.set = true, true
	return nil
}

// warnUnless warns of what is accepted without effect.
func warnUnless(supported bool, d *conf.Directive, what string) {
	if !supported {
		d.Warnf("%s is not supported on this platform, ignored", what)
	}
}

// backlog is the length of the queue of connections to accept.
func (l *Listen) backlog() int {
	if l.Backlog == 0 {
		return defaultBacklog
	}
	return l.Backlog
}

// parse reads on, off or [idle]:[interval]:[count].
func (k *KeepAlive) parse(text string) bool {
	switch text {
	case "on":
		k.Enabled = On
		return true
	case "off":
		k.Enabled = Off
		return true
	}
	idle, rest, _ := strings.Cut(text, ":")
	interval, count, _ := strings.Cut(rest, ":")
	var ok1, ok2, ok3 = true, true, true
	if idle != "" {
		k.Idle, ok1 = conf.ParseSec(idle)
	}
	if interval != "" {
		k.Interval, ok2 = conf.ParseSec(interval)
	}
	if count != "" {
		k.Count, ok3 = atoi(count)
	}
	k.Enabled = On
	return ok1 && ok2 && ok3 && (k.Idle > 0 || k.Interval > 0 || k.Count > 0)
}

// notForUDP names the first parameter that a datagram socket cannot have.
func (l *Listen) notForUDP() string {
	switch {
	case l.FastOpen != nil:
		return "fastopen"
	case l.Backlog != 0:
		return "backlog"
	case l.Deferred:
		return "deferred"
	case l.Multipath:
		return "multipath"
	case l.SSL:
		return "ssl"
	case l.KeepAlive.Enabled != Unset:
		return "so_keepalive"
	case l.ProxyProtocol:
		return "proxy_protocol"
	}
	return ""
}

// hasSocketOptions reports whether the address needs a bind() of its own.
func (l *Listen) hasSocketOptions() bool {
	return l.set || l.Bind || l.ReusePort || l.Deferred || l.Multipath || l.IPv6Only != Unset ||
		l.Backlog != 0 || l.FastOpen != nil || l.RcvBuf != 0 || l.SndBuf != 0 || l.KeepAlive.Enabled != Unset
}

func atoi(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && text[0] != '+'
}
