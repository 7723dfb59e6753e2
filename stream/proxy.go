package stream

// proxy.go - ngx_stream_proxy_module: its directives. What they do is in
// proxy_connect.go (choosing and reaching a server), proxy_bind.go (our end of
// the connection), proxy_ssl.go (TLS towards the server) and proxy_relay.go
// (moving bytes).

import (
	"math"
	"time"

	"github.com/gostream/gostream/internal/conf"
)

// ProxyConfig says how sessions are passed to an upstream. Durations: zero is
// the default, negative is "0" in nginx's terms.
type ProxyConfig struct {
	// Pass is a server, unix:path, the name of an upstream, or a complex value
	// that yields one of these (proxy_pass).
	Pass string

	ConnectTimeout time.Duration // of one attempt; default 60s
	Timeout        time.Duration // between two reads or writes, both directions together; default 10m
	BufferSize     int64         // bytes, for each direction; default 16k

	UploadRate   string // bytes per second from the client, a complex value; empty or 0: no limit
	DownloadRate string // bytes per second from the upstream

	HalfClose       Flag // pass on the end of one direction alone; default off
	SocketKeepalive Flag // SO_KEEPALIVE towards the upstream; default off

	NextUpstream        Flag          // try another server when one cannot be reached; default on
	NextUpstreamTries   int64         // at most so many; 0 all
	NextUpstreamTimeout time.Duration // no further try after this time; 0 no limit

	ProxyProtocol ProxyProtocol // header sent to the upstream; default off

	SSL ProxySSLConfig // TLS towards the upstream. Sessions of such a server run on goroutines

	// Requests and Responses divide a client's datagrams into sessions. They
	// mean nothing to TCP.
	Requests  int64 // datagrams of a client in a session; 0 no limit
	Responses int64 // datagrams that answer one of a client, then the session is over; 0 any number, negative none

	Bind         ProxyBind // our end of upstream connections; default: the system chooses
	SocketRcvBuf int64     // SO_RCVBUF towards the upstream, in bytes; default: the system's
	SocketSndBuf int64     // SO_SNDBUF, likewise

	// Dial replaces the system's connect. Sessions of such a server run on
	// goroutines.
	Dial Dialer
}

// ProxyProtocol is the version of the PROXY header that is sent to upstreams.
// The zero value takes the default, none.
type ProxyProtocol int

// The values of [ProxyProtocol].
const (
	ProxyProtocolDefault ProxyProtocol = iota
	ProxyProtocolOff
	ProxyProtocolV1
	ProxyProtocolV2
)

var proxyProtocols = map[string]ProxyProtocol{"off": ProxyProtocolOff, "on": ProxyProtocolV1, "v2": ProxyProtocolV2}

var proxyTable = &conf.Table[ServerConfig]{
	Name: "stream_proxy",
	Commands: []conf.Command[ServerConfig]{
		{Name: "proxy_pass", Syntax: "address", In: conf.Server, Set: conf.Func(setProxyPass)},
		{Name: "proxy_connect_timeout", Syntax: "time", Default: "60s", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.Proxy.ConnectTimeout })},
		{Name: "proxy_timeout", Syntax: "time", Default: "10m", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.Proxy.Timeout })},
		{Name: "proxy_buffer_size", Syntax: "size", Default: "16k", In: inServers,
			Set: conf.Size(bufferSize)},
		{Name: "proxy_downstream_buffer", Syntax: "size", In: inServers, Set: deprecatedBuffer()},
		{Name: "proxy_upstream_buffer", Syntax: "size", In: inServers, Set: deprecatedBuffer()},
		{Name: "proxy_upload_rate", Syntax: "rate", Default: "0", In: inServers,
			Set: rateSlot(func(c *ServerConfig) *string { return &c.Proxy.UploadRate })},
		{Name: "proxy_download_rate", Syntax: "rate", Default: "0", In: inServers,
			Set: rateSlot(func(c *ServerConfig) *string { return &c.Proxy.DownloadRate })},
		{Name: "proxy_half_close", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Proxy.HalfClose })},
		{Name: "proxy_socket_keepalive", Syntax: "on | off", Default: "off", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Proxy.SocketKeepalive })},
		{Name: "proxy_socket_rcvbuf", Syntax: "size", Default: "0", In: inServers,
			Set: socketBuffer(func(c *ServerConfig) *int64 { return &c.Proxy.SocketRcvBuf })},
		{Name: "proxy_socket_sndbuf", Syntax: "size", Default: "0", In: inServers,
			Set: socketBuffer(func(c *ServerConfig) *int64 { return &c.Proxy.SocketSndBuf })},
		{Name: "proxy_bind", Syntax: "address[:port] [transparent] | off", In: inServers, Args: conf.Take(1, 2),
			Set: conf.Slot(func(c *ServerConfig) *ProxyBind { return &c.Proxy.Bind }, parseProxyBind)},
		{Name: "proxy_next_upstream", Syntax: "on | off", Default: "on", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Proxy.NextUpstream })},
		{Name: "proxy_next_upstream_tries", Syntax: "number", Default: "0", In: inServers,
			Set: conf.Number(func(c *ServerConfig) *int64 { return &c.Proxy.NextUpstreamTries })},
		{Name: "proxy_next_upstream_timeout", Syntax: "time", Default: "0", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.Proxy.NextUpstreamTimeout })},
		{Name: "proxy_requests", Syntax: "number", Default: "0", In: inServers,
			Set: conf.Number(func(c *ServerConfig) *int64 { return &c.Proxy.Requests })},
		{Name: "proxy_responses", Syntax: "number", In: inServers,
			Set: conf.Number(func(c *ServerConfig) *int64 { return &c.Proxy.Responses })},
		{Name: "proxy_protocol", Syntax: "on | off | v2", Default: "off", In: inServers,
			Set: conf.Enum(func(c *ServerConfig) *ProxyProtocol { return &c.Proxy.ProxyProtocol }, proxyProtocols)},
	},
}

// answers is how many datagrams answer one of a client; -1: any number.
func (c *ProxyConfig) answers() int64 {
	if c.Responses == 0 || c.Responses == math.MaxInt32 {
		return -1
	}
	return max(c.Responses, 0)
}

func bufferSize(c *ServerConfig) *int64 { return &c.Proxy.BufferSize }

// deprecatedBuffer is the setter of the old names of proxy_buffer_size.
func deprecatedBuffer() conf.Setter[ServerConfig] {
	setter := conf.Size(bufferSize)
	set := setter.Set
	setter.Set = func(c *ServerConfig, d *conf.Directive) error {
		err := set(c, d)
		if err == nil {
			d.Warnf("the \"%s\" directive is deprecated, use the \"proxy_buffer_size\" directive instead", d.Name)
		}
		return err
	}
	return setter
}

// socketBuffer is the setter of the size of a socket's buffer.
func socketBuffer(field func(*ServerConfig) *int64) conf.Setter[ServerConfig] {
	s := conf.Size(field)
	set := s.Set
	s.Set = func(c *ServerConfig, d *conf.Directive) error {
		err := set(c, d)
		warnUnless(hasBuffers || err != nil, d, d.Name)
		return err
	}
	return s
}
