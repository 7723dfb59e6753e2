package logfile

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// plainResolver takes unix:PATH and IP:PORT.
func plainResolver(server string) (network, address, name string, err error) {
	if path, ok := strings.CutPrefix(server, "unix:"); ok {
		return "unixgram", path, server, nil
	}
	if !strings.Contains(server, ":") {
		return "", "", "", errors.New("no port")
	}
	return "udp", server, server, nil
}

func TestParseSyslogErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     `unknown syslog parameter ""`,
		"server=a:1,":                          `unknown syslog parameter ""`,
		"tag=x":                                `no syslog server specified`,
		"server=a":                             `no port in syslog server "a"`,
		"server=a:1,server=a:1":                `duplicate syslog "server"`,
		"server=a:1,facility=foo":              `unknown syslog facility "foo"`,
		"facility=kern,facility=kern":          `duplicate syslog "facility"`,
		"severity=err":                         `unknown syslog severity "err"`,
		"severity=warn,severity=warn":          `duplicate syslog "severity"`,
		"tag=a-b":                              `syslog "tag" only allows alphanumeric characters and underscore`,
		"tag=a,tag=b":                          `duplicate syslog "tag"`,
		"tag=" + strings.Repeat("a", 33):       `syslog tag length exceeds 32`,
		"server=a:1,nohostname=1":              `unknown syslog parameter "nohostname=1"`,
		"server=a:1,foo=1":                     `unknown syslog parameter "foo=1"`,
		"Server=a:1":                           `unknown syslog parameter "Server=a:1"`,
		"server=a:1,tag=\u00e4":                `syslog "tag" only allows alphanumeric characters and underscore`,
		"server=a:1,tag=" + "[":                `syslog "tag" only allows alphanumeric characters and underscore`,
		"server=a:1,facility=local7,tag=,tag=": `duplicate syslog "tag"`,
	} {
		_, err := ParseSyslog(text, plainResolver)
		assert.EqualError(t, err, want, "%q", text)
	}
}

func TestSyslogHeader(t *testing.T) {
	host, err := os.Hostname()
	require.NoError(t, err)
	host = strings.ToLower(host)
	now := time.Date(2026, 2, 3, 4, 5, 6, 0, time.Local)
	for text, want := range map[string]string{
		"server=a:1":                           "<190>Feb  3 04:05:06 " + host + " nginx: ",
		"server=a:1,nohostname":                "<190>Feb  3 04:05:06 nginx: ",
		"server=a:1,nohostname,tag=A_9":        "<190>Feb  3 04:05:06 A_9: ",
		"server=a:1,nohostname,tag=":           "<190>Feb  3 04:05:06 : ",
		"nohostname,server=a:1,facility=kern":  "<6>Feb  3 04:05:06 nginx: ",
		"server=a:1,nohostname,severity=emerg": "<184>Feb  3 04:05:06 nginx: ",
		"server=a:1,nohostname,facility=cron,severity=debug,tag=" + strings.Repeat("a", 32): "<127>Feb  3 04:05:06 " +
			strings.Repeat("a", 32) + ": ",
	} {
		s, err := ParseSyslog(text, plainResolver)
		require.NoError(t, err, text)
		assert.Equal(t, want, string(s.AppendHeader(nil, s.Severity, now)), text)
	}
}

// daemon is a syslog server.
type daemon struct {
	t    *testing.T
	conn net.PacketConn
}

func newDaemon(t *testing.T, network, address string) *daemon {
	conn, err := net.ListenPacket(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return &daemon{t, conn}
}

func (d *daemon) next() string {
	d.t.Helper()
	buf := make([]byte, 9999)
	require.NoError(d.t, d.conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	n, _, err := d.conn.ReadFrom(buf)
	require.NoError(d.t, err)
	return string(buf[:n])
}

func TestSyslogUDP(t *testing.T) {
	var told []error
	set := Set{OnError: func(err error) { told = append(told, err) }}
	defer set.Close()
	d := newDaemon(t, "udp", "127.0.0.1:0")
	name := d.conn.LocalAddr().String()
	s, err := set.Syslog("server="+name+",tag=x", plainResolver)
	require.NoError(t, err)
	again, err := set.Syslog("server="+name+",tag=x", plainResolver)
	require.NoError(t, err)
	assert.Same(t, s, again)
	_, err = set.Syslog("server=", plainResolver)
	assert.Error(t, err)
	require.NoError(t, s.Send([]byte("one")))
	assert.Equal(t, "one", d.next())

	// UDP tells that nobody is there with the next datagram.
	d.conn.Close()
	require.NoError(t, s.Send([]byte("two")))
	eventually(t, func() bool { err = s.Send([]byte("three")); return err != nil }, "an error")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.EqualError(t, err, "send() failed")
	require.NotEmpty(t, told)
	assert.Equal(t, err, told[0])
	assert.Equal(t, " while logging to syslog, server: "+name, told[0].(*SyslogError).Context())

	d = newDaemon(t, "udp", name)
	eventually(t, func() bool { return s.Send([]byte("back")) == nil }, "the server is back")
	assert.Equal(t, "back", d.next())
	set.Close()
	assert.NoError(t, s.Send([]byte("late")), "dropped")
}

func TestSyslogUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s, err := ParseSyslog("server=unix:"+path, plainResolver)
	require.NoError(t, err)
	defer s.Close()
	var told int
	s.OnError = func(err *SyslogError) {
		told++
		assert.EqualError(t, err, "connect() failed")
		assert.ErrorIs(t, err, syscall.ENOENT)
		assert.Error(t, s.Send([]byte("that the server is away")), "but this is not told")
	}
	assert.Error(t, s.Send([]byte("one")))
	assert.Equal(t, 1, told)
	d := newDaemon(t, "unixgram", path)
	require.NoError(t, s.Send([]byte("two")))
	assert.Equal(t, "two", d.next())
	d.conn.Close()
	s.OnError = nil
	err = s.Send([]byte("three"))
	assert.EqualError(t, err, "send() failed")
	_ = os.Remove(path)
	d = newDaemon(t, "unixgram", path)
	require.NoError(t, s.Send([]byte("four")))
	assert.Equal(t, "four", d.next())
}

// TestSyslogDoesNotWait fills the queue of a server that reads nothing.
func TestSyslogDoesNotWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := newDaemon(t, "unixgram", path)
	s, err := ParseSyslog("server=unix:"+path, plainResolver)
	require.NoError(t, err)
	defer s.Close()
	s.OnError = func(err *SyslogError) { assert.Fail(t, "told", "%v", err) }
	eventually(t, func() bool { return errors.Is(s.Send([]byte("x")), syscall.EAGAIN) }, "a full queue")
	assert.Equal(t, "x", d.next())
	assert.NoError(t, s.Send([]byte("y")), "there is room again")
}

func TestSyslogNoAllocation(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	d := newDaemon(t, "udp", "127.0.0.1:0")
	s, err := ParseSyslog("server="+d.conn.LocalAddr().String(), plainResolver)
	require.NoError(t, err)
	defer s.Close()
	now := time.Now()
	line := make([]byte, 0, 200)
	assert.Zero(t, testing.AllocsPerRun(50, func() { _ = s.Send(append(s.AppendHeader(line, 6, now), "text"...)) }))
}

func FuzzParseSyslog(f *testing.F) {
	f.Add("server=127.0.0.1:514,facility=local1,severity=warn,tag=a_B,nohostname")
	f.Add("server=unix:/dev/log,tag=")
	f.Add("server=,,=,tag")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSyslog(text, plainResolver)
		if err != nil {
			assert.NotEmpty(t, err.Error())
			return
		}
		assert.Contains(t, text, "server=")
		assert.LessOrEqual(t, len(s.Tag), maxTag)
		assert.True(t, s.Facility >= 0 && s.Facility < 24 && s.Severity >= 0 && s.Severity < 8)
		assert.True(t, strings.HasSuffix(string(s.AppendHeader(nil, s.Severity, time.Now())), s.Tag+": "))
	})
}
