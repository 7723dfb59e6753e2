package stream

// core.go - ngx_stream_core_module: server, and the settings that no other
// module has. Its listen is in listen.go, server_name in server_name.go.

import (
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/regex"
	"github.com/gostream/gostream/internal/vars"
	"github.com/gostream/gostream/upstream"
)

// inServers are the contexts of a setting that servers inherit.
const inServers = conf.Stream | conf.Server

var coreTable = &conf.Table[ServerConfig]{
	Name: "stream_core",
	Commands: []conf.Command[ServerConfig]{
		{Name: "error_log", Syntax: "file [level]", In: inServers, Args: conf.AtLeast(1), Set: errorLogSlot},
		{Name: "preread_buffer_size", Syntax: "size", Default: "16k", In: inServers,
			Set: conf.Size(func(c *ServerConfig) *int64 { return &c.Core.PrereadBufferSize })},
		{Name: "preread_timeout", Syntax: "time", Default: "30s", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.Core.PrereadTimeout })},
		{Name: "proxy_protocol_timeout", Syntax: "time", Default: "30s", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.Core.ProxyProtocolTimeout })},
		{Name: "resolver", Syntax: "address ... [valid=time] [ipv4=on|off] [ipv6=on|off]", In: inServers, Args: conf.AtLeast(1),
			Set: conf.Slot(func(c *ServerConfig) **upstream.Resolver { return &c.Core.Resolver }, upstream.ParseResolver)},
		{Name: "resolver_timeout", Syntax: "time", Default: "30s", In: inServers,
			Set: conf.Msec(func(c *ServerConfig) *time.Duration { return &c.Core.ResolverTimeout })},
		{Name: "tcp_nodelay", Syntax: "on | off", Default: "on", In: inServers,
			Set: conf.FlagOf(func(c *ServerConfig) *Flag { return &c.Core.TCPNodelay })},
	},
}

var streamTable = &conf.Table[Config]{
	Name: "stream_core",
	Commands: []conf.Command[Config]{
		{Name: "server", Syntax: "{ ... }", In: conf.Stream, Args: conf.None, Block: true, Set: conf.Func(addServer)},
		{Name: "variables_hash_max_size", Syntax: "size", Default: "1024", In: conf.Stream,
			Set: conf.Number(func(c *Config) *int64 { return &c.hash.variablesMaxSize })},
		{Name: "variables_hash_bucket_size", Syntax: "size", Default: "64", In: conf.Stream,
			Set: conf.Number(func(c *Config) *int64 { return &c.hash.variablesBucketSize })},
		{Name: "server_names_hash_max_size", Syntax: "size", Default: "512", In: conf.Stream,
			Set: conf.Number(func(c *Config) *int64 { return &c.hash.serverNamesMaxSize })},
		{Name: "server_names_hash_bucket_size", Syntax: "size", Default: "64", In: conf.Stream,
			Set: conf.Number(func(c *Config) *int64 { return &c.hash.serverNamesBucketSize })},
	},
}

func addServer(c *Config, d *conf.Directive) error {
	srv := &ServerConfig{stream: c, file: d.File, line: d.Line}
	file, line := d.File, d.Line
	if err := d.Apply(nil, conf.Server, srv); err != nil {
		return err
	}
	if len(srv.Listen) == 0 {
		at := conf.Directive{File: file, Line: line}
		return at.Errorf("no \"listen\" is defined for server")
	}
	c.Servers = append(c.Servers, srv)
	return nil
}

// newVariable checks the name in a directive that defines a variable, "$name",
// and returns it without the "$".
func (c *Config) newVariable(d *conf.Directive, arg string) (string, error) {
	name, err := vars.ParseName(arg)
	if err == nil {
		err = c.define(name)
	}
	if err != nil {
		return "", d.Errorf("%s", err)
	}
	return name, nil
}

// newCaptures checks the named groups of a regular expression, which define
// variables too.
func (c *Config) newCaptures(d *conf.Directive, names []regex.Name) error {
	for _, n := range names {
		if err := c.define(n.Name); err != nil {
			return d.Errorf("%s", err)
		}
	}
	return nil
}

// define notes that a variable is defined. It fails for those that cannot be.
func (c *Config) define(name string) error {
	if len(c.names.Names()) == 0 {
		if err := addBuiltins(&c.names, nil); err != nil {
			return err
		}
	}
	return c.names.Add(variable{Name: name, Changeable: true})
}
