package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/hostmatch"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/upstream"
)

// Flag is an nginx on/off value. The zero value, Unset, stands for the
// directive's default.
type Flag = conf.Flag

// The values of a [Flag].
const (
	Unset = conf.Unset
	On    = conf.On
	Off   = conf.Off
)

// Config is one stream block: what [New] turns into a running [Server].
//
// The directive tables fill it from an nginx.conf; a Go program may fill it by
// hand. The zero value of every field means nginx's default. A Config is only
// read, and may be used again.
type Config struct {
	// Defaults holds what stands directly in the stream block. A server takes
	// from it each setting that it does not have itself.
	Defaults ServerConfig

	Servers        []*ServerConfig
	Upstreams      []*upstream.Config
	Maps           []*MapConfig
	Geos           []*GeoConfig
	SplitClients   []*SplitClientsConfig
	GeoIP          GeoIPConfig
	LogFormats     []*LogFormat
	LimitConnZones []*LimitConnZone

	// Prefix is the folder that relative log file names start from ("-p").
	// Empty: the working directory.
	Prefix string

	// ConfDir is the folder that relative certificate names start from: the
	// one of the main configuration file. Empty: the working directory.
	ConfDir string

	// ErrorLog is the error_log of the main context: for what no session is to
	// blame for, such as a log file that cannot be flushed, and for servers
	// without any of their own. Empty: standard error, at level error.
	ErrorLog []ErrorLog

	// DebugConnection lists clients whose sessions are logged at level debug,
	// to all error logs: addresses, networks, host names or "unix:".
	DebugConnection []string

	// Workers is the number of event loops (worker_processes). 0 means 1. With
	// a negative number there are none, and every session has a goroutine, as
	// is always so where the system has no epoll.
	Workers int

	// Connections is how many connections, clients' and upstreams', an event
	// loop may have (worker_connections). Each listening socket counts as one,
	// and one is set aside. Without loops it is the number for all. 0: no limit.
	Connections int

	// MultiAccept makes an event loop take all waiting connections at once
	// (multi_accept), and EventsAtOnce is how many events it takes from the
	// kernel at a time (epoll_events; 0: 512). AcceptPause is how long accepting
	// stops when descriptors or memory have run out (accept_mutex_delay; 0:
	// 500 ms, negative: not at all). A reload changes none of these.
	MultiAccept  bool
	EventsAtOnce int
	AcceptPause  time.Duration

	file    string // the file that the block ends in, and the line
	endLine int

	uses   []string                 // variables that values refer to, in the order of the file
	report func(level, text string) // where warnings about all of it go; nil: nowhere

	hash  hashConfig
	book  addressBook // the addresses read so far
	names registry    // the variables defined so far

	definitions int // blocks that define variables, so far

	zones      upstream.Zones             // shared memory zones, of all directives
	upstreams  map[string]bool            // names, lower-case
	passes     map[string]literalPass     // by their hosts, lower-case
	logBuffers map[string]logfile.Options // of access logs, by path
}

// Transparent reports whether connections to upstreams come from addresses that
// are not those of the machine, for which a process needs CAP_NET_RAW.
func (c *Config) Transparent() bool {
	transparent := func(s *ServerConfig) bool { return s.Proxy.Bind.Transparent }
	return transparent(&c.Defaults) || slices.ContainsFunc(c.Servers, transparent)
}

// checkElements refuses what only a program can have: nil where a block would be.
func (c *Config) checkElements() error {
	if c == nil {
		return errors.New("stream: the Config is nil")
	}
	for _, list := range []struct {
		name string
		none int
	}{
		{"Servers", slices.Index(c.Servers, nil)},
		{"Upstreams", slices.Index(c.Upstreams, nil)},
		{"Maps", slices.Index(c.Maps, nil)},
		{"Geos", slices.Index(c.Geos, nil)},
		{"SplitClients", slices.Index(c.SplitClients, nil)},
		{"LogFormats", slices.Index(c.LogFormats, nil)},
		{"LimitConnZones", slices.Index(c.LimitConnZones, nil)},
	} {
		if list.none >= 0 {
			return fmt.Errorf("stream: %s[%d] of the Config is nil", list.name, list.none)
		}
	}
	return nil
}

// ServerConfig is one server block, or, as [Config.Defaults], the settings
// that servers inherit.
type ServerConfig struct {
	// Listen lists the addresses of the server; a server needs at least one,
	// or a Listener.
	Listen []Listen

	// Listener, when set, brings connections from elsewhere (a tailnet, a
	// test). They are served on goroutines. It belongs to one server, and from New or
	// Reload on to the [Server], which closes it in Shutdown, or when it goes over to
	// a configuration without it. Its type has to be comparable. A client is what
	// RemoteAddr of its connection says: an IP address, a unix socket if it is
	// a [net.UnixAddr], else a text, which is neither to access rules and to
	// servers that are told of it by the PROXY protocol. If it is nil, there is no
	// $remote_addr, and of the access rules only those for all apply.
	Listener net.Listener

	// ServerName lists the names that select this server among those of an
	// address (server_name); the first is $server_name.
	ServerName []string

	Core CoreConfig

	// Exactly one of the following says what happens to a session. In a
	// configuration file the last one written wins.
	Return *string // text to send, a complex value (directive return)
	Proxy  ProxyConfig
	Pass   string // another listening address to go on at, a complex value (directive pass)

	RealIP     []string // set_real_ip_from: addresses, networks, host names or "unix:"
	Access     []AccessRule
	LimitConn  LimitConnConfig
	Set        []SetVariable
	SSL        SSLConfig
	SSLPreread Flag

	AccessLog    []AccessLog
	LogFileCache *LogFileCache // nil: off
	ErrorLog     []ErrorLog

	stream  *Config // the block it was read in, for what servers share
	file    string  // where the block began
	line    int
	content contentKind

	// Where these directives stood.
	passAt, proxyPassAt conf.Directive
}

// CoreConfig holds the settings of ngx_stream_core_module.
type CoreConfig struct {
	PrereadBufferSize    int64         // bytes; 0 means 16k
	PrereadTimeout       time.Duration // 0 means 30s, negative at once
	ProxyProtocolTimeout time.Duration // 0 means 30s, negative at once
	TCPNodelay           Flag          // default on

	// Resolver finds the addresses of the names that [ProxyConfig.Pass] yields
	// by its variables; nil: such sessions fail. ResolverTimeout is the time for
	// an answer; 0 means 30s, negative no limit.
	Resolver        *upstream.Resolver
	ResolverTimeout time.Duration
}

// Dialer opens an upstream connection in place of the system's connect, for
// library users whose servers live on another kind of network. network is
// "tcp" or "unix".
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// hashConfig holds the sizes of nginx's hash tables. Go's maps grow, but what does
// not fit into tables of these sizes is refused, or warned of, as in nginx.
type hashConfig struct {
	variablesMaxSize, variablesBucketSize     int64
	serverNamesMaxSize, serverNamesBucketSize int64
	mapMaxSize, mapBucketSize                 int64
}

// fit tells of names that do not fit into a hash table of nginx.
func (c *Config) fit(warnings []string, err error) error {
	for _, w := range warnings {
		c.warn(w)
	}
	return err
}

func (c *Config) warn(text string) {
	if c.report != nil {
		c.report("warn", text)
	}
}

// hashSize is the size of a hash table, with the default for what is not set.
func hashSize(name string, maxSize, bucketSize, defaultMax int64) hostmatch.HashSize {
	const bucket = 64
	return hostmatch.HashSize{
		Name:       name,
		MaxSize:    max(cmp.Or(maxSize, defaultMax), 0),
		BucketSize: hostmatch.Aligned(max(cmp.Or(bucketSize, bucket), 0)),
	}
}

// contentKind tells which of a server's contents was written last.
type contentKind uint8

const (
	contentDefault contentKind = iota // from the fields: Return, else Proxy.Pass, else Pass
	contentReturn
	contentProxy
	contentPass
)

// prefixPath and confPath make file names absolute.
func (c *Config) prefixPath(name string) string {
	return (&conf.Env{Prefix: c.Prefix}).PrefixPath(name)
}

func (c *Config) confPath(name string) string {
	return (&conf.Env{ConfDir: c.ConfDir}).ConfPath(name)
}
