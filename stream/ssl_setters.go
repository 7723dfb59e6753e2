package stream

// ssl_setters.go - how directives of TLS that have a syntax of their own are
// read. Those with a field as parameter serve ssl_* and proxy_ssl_*.

import (
	"errors"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/logfile"
	"github.com/gostream/gostream/internal/tlsconf"
)

// certificateNames is a list of files, whose names may have variables.
func certificateNames(field func(*ServerConfig) *[]string) conf.Setter[ServerConfig] {
	return conf.List(field, func(d *conf.Directive) (string, error) { return d.Args[0], nil })
}

// passwordFile reads pass phrases.
func passwordFile(field func(*ServerConfig) *[]string) conf.Setter[ServerConfig] {
	return conf.Setter[ServerConfig]{
		Set: func(c *ServerConfig, d *conf.Directive) error {
			name := d.Env().ConfPath(d.Args[0])
			text, err := d.Env().Read(name)
			switch {
			case errors.Is(err, syscall.EISDIR): // which can be opened
				return d.Errorf("read() \"%s\" failed (%d: Is a directory)", name, syscall.EISDIR)
			case err != nil:
				return d.Errorf("%s", logfile.NewOpenError(name, err))
			}
			passwords, err := tlsconf.ParsePasswords(name, text)
			if err != nil {
				return d.Errorf("%s", err)
			}
			*field(c) = passwords
			return nil
		},
		IsSet:   func(c *ServerConfig) bool { return *field(c) != nil },
		Inherit: func(dst, src *ServerConfig) { *field(dst) = *field(src) },
	}
}

// certificateCache reads "off" or the sizes of a cache.
func certificateCache(field func(*ServerConfig) **CertificateCache) conf.Setter[ServerConfig] {
	return conf.Slot(field, func(d *conf.Directive) (*CertificateCache, error) {
		c, off := &CertificateCache{Inactive: 10 * time.Second, Valid: time.Minute}, false
		for _, word := range d.Args {
			_, value, _ := strings.Cut(word, "=")
			ok := false
			switch {
			case word == "off":
				off, ok = true, true
			case strings.HasPrefix(word, "max="):
				var n int64
				n, ok = conf.ParseNumber(value)
				c.Max, ok = int(n), ok && n > 0
			case strings.HasPrefix(word, "inactive="):
				c.Inactive, ok = conf.ParseSec(value)
			case strings.HasPrefix(word, "valid="):
				c.Valid, ok = conf.ParseSec(value)
			}
			if !ok {
				return nil, d.Errorf("invalid parameter \"%s\"", word)
			}
		}
		if off {
			return &CertificateCache{}, nil
		}
		if c.Max == 0 {
			return nil, d.Errorf("\"%s\" must have the \"max\" parameter", d.Name)
		}
		return c, nil
	})
}

// cipherList takes an OpenSSL cipher list. What is wrong with it is said when
// it is put to use; of ciphers that are asked for by name and not there it is
// warned at once.
func cipherList(field func(*ServerConfig) *string) conf.Setter[ServerConfig] {
	return conf.Slot(field, func(d *conf.Directive) (string, error) {
		if _, missing, err := tlsconf.Ciphers(d.Args[0]); err == nil && len(missing) > 0 {
			d.Warnf("\"%s\" names ciphers that are not supported, ignored: %s", d.Name, strings.Join(missing, ":"))
		}
		return orBlank(d.Args[0]), nil
	})
}

// orBlank makes an empty list, which is wrong, another text than none. A blank
// is as wrong.
func orBlank(text string) string {
	if text == "" {
		return " "
	}
	return text
}

func ecdhCurve() conf.Setter[ServerConfig] {
	return conf.Slot(func(c *ServerConfig) *string { return &c.SSL.ECDHCurve }, func(d *conf.Directive) (string, error) {
		if _, missing, err := tlsconf.Curves(d.Args[0]); err == nil && len(missing) > 0 {
			d.Warnf("\"%s\" names curves that are not supported, ignored: %s", d.Name, strings.Join(missing, ":"))
		}
		return orBlank(d.Args[0]), nil
	})
}

func dhParam() conf.Setter[ServerConfig] {
	return conf.Slot(func(c *ServerConfig) *string { return &c.SSL.DHParam }, func(d *conf.Directive) (string, error) {
		if d.Args[0] != "" && tlsconf.CheckDHParams(d.Env().ConfPath(d.Args[0]), tlsconf.DefaultLevel) == nil {
			d.Warnf("\"%s\" has no effect: there are no DHE ciphers", d.Name)
		}
		return d.Args[0], nil
	})
}

// alpnProtocols is ssl_alpn.
var alpnProtocols = conf.Setter[ServerConfig]{
	Set: func(c *ServerConfig, d *conf.Directive) error {
		for _, name := range d.Args {
			if len(name) > 255 {
				return d.Fail("protocol too long")
			}
		}
		c.SSL.ALPN = d.Args
		return nil
	},
	IsSet:   func(c *ServerConfig) bool { return c.SSL.ALPN != nil },
	Inherit: func(dst, src *ServerConfig) { dst.SSL.ALPN = src.SSL.ALPN },
}

// minSharedZone is the least size of a cache in shared memory: 8 pages.
func minSharedZone() int64 { return 8 * int64(os.Getpagesize()) }

// sharedZone reads "shared:NAME:SIZE". It is false for what is none; the
// size is for the caller to judge.
func sharedZone(word string) (name string, size int64, ok bool) {
	rest, ok := strings.CutPrefix(word, "shared:")
	name, text, found := strings.Cut(rest, ":")
	if !ok || !found || name == "" {
		return "", 0, false
	}
	size, ok = conf.ParseSize(text)
	return name, size, ok
}

// ocspCache is ssl_ocsp_cache.
var ocspCache = conf.Setter[ServerConfig]{
	Set: func(c *ServerConfig, d *conf.Directive) error {
		if d.Args[0] == "off" {
			c.SSL.OCSPCache = SSLZone{Off: true}
			return nil
		}
		name, size, ok := sharedZone(d.Args[0])
		if !ok {
			return d.Errorf("invalid OCSP cache \"%s\"", d.Args[0])
		}
		if size < minSharedZone() {
			return d.Errorf("OCSP cache \"%s\" is too small", d.Args[0])
		}
		if err := c.stream.zones.Declare(name, size, "ssl_ocsp_cache"); err != nil {
			return d.Errorf("%s", err)
		}
		c.SSL.OCSPCache = SSLZone{Name: name, Size: size}
		return nil
	},
	IsSet:   func(c *ServerConfig) bool { return c.SSL.OCSPCache != SSLZone{} },
	Inherit: func(dst, src *ServerConfig) { dst.SSL.OCSPCache = src.SSL.OCSPCache },
}

// defaultBuiltin is how many sessions OpenSSL keeps unless told otherwise.
const defaultBuiltin = 20 * 1024

// sessionCache is ssl_session_cache. Several of them on a level add up.
var sessionCache = conf.Setter[ServerConfig]{
	Set: func(c *ServerConfig, d *conf.Directive) error {
		cache := c.SSL.SessionCache
		cache.set = true
		for _, word := range d.Args {
			if err := cache.add(c, d, word); err != nil {
				return err
			}
		}
		c.SSL.SessionCache = cache
		return nil
	},
	IsSet:   func(c *ServerConfig) bool { return c.SSL.SessionCache != SSLSessionCache{} },
	Inherit: func(dst, src *ServerConfig) { dst.SSL.SessionCache = src.SSL.SessionCache },
	Repeat:  true,
}

// add reads one parameter.
func (cache *SSLSessionCache) add(c *ServerConfig, d *conf.Directive, word string) error {
	invalid := d.Errorf("invalid session cache \"%s\"", word)
	switch size, sized := strings.CutPrefix(word, "builtin:"); {
	case word == "off":
		cache.Off, cache.Builtin = true, 0
	case word == "none":
		cache.Off, cache.Builtin = false, 0
	case word == "builtin":
		cache.Off, cache.Builtin = false, defaultBuiltin
	case sized:
		n, err := strconv.Atoi(size)
		if err != nil || n < 0 || size[0] == '+' {
			return invalid
		}
		if cache.Off, cache.Builtin = false, int64(n); n == 0 {
			cache.Builtin = math.MaxInt64 // no limit
		}
	default:
		name, size, ok := sharedZone(word)
		if !ok {
			return invalid
		}
		if size < minSharedZone() {
			return d.Errorf("session cache \"%s\" is too small", word)
		}
		if err := c.stream.zones.Declare(name, size, "ssl_session_cache"); err != nil {
			return d.Errorf("%s", err)
		}
		cache.Shared, cache.Size = name, size
	}
	return nil
}

// confCommand is a list of commands of OpenSSL. What is wrong with one is said
// when it is carried out.
func confCommand(field func(*ServerConfig) *[]SSLCommand) conf.Setter[ServerConfig] {
	return conf.List(field, func(d *conf.Directive) (SSLCommand, error) {
		cmd := SSLCommand{d.Args[0], d.Args[1]}
		if !tlsconf.HasEffect(cmd.Name, cmd.Value) {
			d.Warnf("\"%s %s %s\" has no effect", d.Name, cmd.Name, cmd.Value)
		}
		return cmd, nil
	})
}
