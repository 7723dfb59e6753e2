package stream

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gostream/gostream/upstream"
)

// Whatever a program leaves empty, New returns an error or a Server: in each list
// of the structs that a program may fill there is an element with nothing in it.
func TestEmptyElements(t *testing.T) {
	certs := tlsFiles(t)
	fresh := func() *Config {
		text, key := "x", certs+"/a.key"
		return &Config{
			Upstreams:      []*upstream.Config{{Name: "u", Servers: []upstream.Server{{Address: "127.0.0.1:1"}}}},
			Maps:           []*MapConfig{{Source: "$remote_addr", Variable: "m"}},
			Geos:           []*GeoConfig{{Variable: "g"}},
			SplitClients:   []*SplitClientsConfig{{Source: "$remote_addr", Variable: "s"}},
			LogFormats:     []*LogFormat{{Name: "l", Parts: []string{"$status"}}},
			LimitConnZones: []*LimitConnZone{{Name: "z", Key: "$remote_addr", Size: 1 << 20}},
			Servers: []*ServerConfig{{
				Listen: []Listen{{Address: "127.0.0.1:0"}}, Return: &text,
				AccessLog: []AccessLog{{Path: t.TempDir() + "/a", Format: "l"}}, LogFileCache: &LogFileCache{},
			}, {
				Listen: []Listen{{Address: "127.0.0.1:0", SSL: true}},
				SSL:    SSLConfig{Certificate: []string{certs + "/a.crt"}, CertificateKey: []string{key}},
				Core:   CoreConfig{Resolver: &upstream.Resolver{Servers: []string{"127.0.0.1"}}},
				Proxy:  ProxyConfig{Pass: "$remote_addr:1", SSL: ProxySSLConfig{Enabled: On}},
			}},
		}
	}
	var tried int
	for i := 0; ; i++ {
		cfg, n := fresh(), 0
		var where string
		eachList(reflect.ValueOf(cfg).Elem(), "Config", func(path string, list reflect.Value) {
			if n == i {
				where = path
				list.Set(reflect.Append(list, reflect.Zero(list.Type().Elem())))
			}
			n++
		})
		if where == "" {
			break
		}
		tried++
		assert.NotPanics(t, func() {
			srv, err := New(cfg)
			if err == nil {
				err = srv.Close()
			}
			t.Log(where, err)
		}, where)
	}
	assert.Greater(t, tried, 30)
}

// eachList calls f with every exported list that can be reached.
func eachList(v reflect.Value, path string, f func(path string, list reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachList(v.Elem(), path, f)
		}
	case reflect.Slice:
		n := v.Len()
		f(path, v)
		for i := range n {
			eachList(v.Index(i), fmt.Sprintf("%s[%d]", path, i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				eachList(v.Field(i), path+"."+v.Type().Field(i).Name, f)
			}
		}
	}
}

// What is nil where it must not be is told of.
func TestNil(t *testing.T) {
	text := "x"
	for want, cfg := range map[string]*Config{
		"stream: the Config is nil":                            nil,
		"stream: Servers[0] of the Config is nil":              {Servers: []*ServerConfig{nil}},
		"stream: Upstreams[1] of the Config is nil":            {Upstreams: []*upstream.Config{{Name: "u", Servers: []upstream.Server{{Address: "127.0.0.1:1"}}}, nil}},
		`invalid number of arguments in "error_log" directive`: {Servers: []*ServerConfig{{Listen: []Listen{{Address: "unix:/none"}}, Return: &text, ErrorLog: []ErrorLog{{}}}}},
		`no "listen" is defined for server`:                    {Servers: []*ServerConfig{{Return: &text}}},
	} {
		_, err := New(cfg)
		assert.EqualError(t, err, want)
		assert.EqualError(t, Check(cfg), want)
	}
}
