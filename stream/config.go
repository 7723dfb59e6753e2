package stream

import (
	"context"
	"net"
	"time"

	"github.com/gostream/gostream/internal/conf"
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
	LogFormats     []*LogFormat
	LimitConnZones []*LimitConnZone

	// Prefix is the folder that relative log file names start from ("-p").
	// Empty: the working directory.
	Prefix string

	// ConfDir is the folder that relative certificate names start from: the
	// one of the main configuration file. Empty: the working directory.
	ConfDir string

	// Workers is the number of event loops (worker_processes). 0 means 1.
	Workers int

	// Connections is how many connections, clients' and upstreams', an event
	// loop may have (worker_connections). 0: no limit.
	Connections int

	hash  hashConfig
	book  addressBook // the addresses read so far
	names registry    // the variables defined so far

	upstreams  map[string]bool            // names, lower-case
	logBuffers map[string]logfile.Options // of access logs, by path
}

// ServerConfig is one server block, or, as [Config.Defaults], the settings
// that servers inherit.
type ServerConfig struct {
	// Listen lists the addresses of the server; a server needs at least one,
	// or a Listener.
	Listen []Listen

	// Listener, when set, brings connections from elsewhere (a tailnet, a
	// test). They are served on goroutines. Server.Shutdown closes it.
	Listener net.Listener

	// ServerName lists the names that select this server among those of an
	// address (server_name); the first is $server_name.
	ServerName []string

	Core CoreConfig

	// Exactly one of the following says what happens to a session. In a
	// configuration file the last one written wins.
	Return *string // text to send, a complex value (directive return)
	Proxy  ProxyConfig

	RealIP     []string // set_real_ip_from: addresses, networks, host names or "unix:"
	Access     []AccessRule
	LimitConn  LimitConnConfig
	Set        []SetVariable
	SSL        SSLConfig
	SSLPreread Flag

	AccessLog []AccessLog
	ErrorLog  []ErrorLog

	stream  *Config // the block it was read in, for what servers share
	file    string  // where the block began
	line    int
	content contentKind
	passAt  conf.Directive // where proxy_pass stood
}

// CoreConfig holds the settings of ngx_stream_core_module.
type CoreConfig struct {
	PrereadBufferSize    int64         // bytes; 0 means 16k
	PrereadTimeout       time.Duration // 0 means 30s, negative at once
	ProxyProtocolTimeout time.Duration // 0 means 30s, negative at once
	TCPNodelay           Flag          // default on
}

// Dialer opens an upstream connection in place of the system's connect, for
// library users whose servers live on another kind of network. network is
// "tcp" or "unix".
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// hashConfig holds the sizes of nginx's hash tables. They are validated and
// otherwise without meaning here: Go's maps grow.
type hashConfig struct {
	variablesMaxSize, variablesBucketSize     int64
	serverNamesMaxSize, serverNamesBucketSize int64
	mapMaxSize, mapBucketSize                 int64
}

// contentKind tells which of a server's contents was written last.
type contentKind uint8

const (
	contentDefault contentKind = iota // from the fields: Return, else Proxy.Pass
	contentReturn
	contentProxy
)

// prefixPath and confPath make file names absolute.
func (c *Config) prefixPath(name string) string {
	return (&conf.Env{Prefix: c.Prefix}).PrefixPath(name)
}

func (c *Config) confPath(name string) string {
	return (&conf.Env{ConfDir: c.ConfDir}).ConfPath(name)
}
