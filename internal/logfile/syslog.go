package logfile

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Syslog sends lines to a syslog server, one datagram each, in the form of
// RFC 3164.
type Syslog struct {
	Network    string // "udp" or "unixgram"
	Address    string
	Facility   int // 0 to 23
	Severity   int // 0 to 7, of lines that have none of their own
	Tag        string
	NoHostname bool

	hostname string
	mu       sync.Mutex
	conn     net.Conn
}

var facilities = []string{"kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp",
	"ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

var severities = []string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

const (
	defaultFacility = 23 // local7
	defaultSeverity = 6  // info
	maxTag          = 32
)

// Resolver finds the datagram address of a syslog server; the default port is
// 514. Its error is a text such as `no host`.
type Resolver func(server string) (network, address string, err error)

// ParseSyslog reads what follows "syslog:" in access_log and error_log. Errors
// are nginx's.
func ParseSyslog(text string, resolve Resolver) (*Syslog, error) {
	s := &Syslog{Facility: -1, Severity: -1}
	for param := range strings.SplitSeq(text, ",") {
		if err := s.parameter(param, resolve); err != nil {
			return nil, err
		}
	}
	if s.Address == "" {
		return nil, errors.New("no syslog server specified")
	}
	if s.Facility < 0 {
		s.Facility = defaultFacility
	}
	if s.Severity < 0 {
		s.Severity = defaultSeverity
	}
	if s.Tag == "" {
		s.Tag = "nginx"
	}
	name, _ := os.Hostname()
	s.hostname = strings.ToLower(name)
	return s, nil
}

func (s *Syslog) parameter(param string, resolve Resolver) (err error) {
	name, value, _ := strings.Cut(param, "=")
	switch {
	case strings.HasPrefix(param, "server="):
		if s.Address != "" {
			return errors.New(`duplicate syslog "server"`)
		}
		if s.Network, s.Address, err = resolve(value); err != nil {
			return fmt.Errorf("%w in syslog server \"%s\"", err, value)
		}
	case strings.HasPrefix(param, "facility="):
		return word(&s.Facility, name, value, facilities)
	case strings.HasPrefix(param, "severity="):
		return word(&s.Severity, name, value, severities)
	case strings.HasPrefix(param, "tag="):
		return s.setTag(value)
	case param == "nohostname":
		s.NoHostname = true
	default:
		return fmt.Errorf("unknown syslog parameter \"%s\"", param)
	}
	return nil
}

func word(field *int, name, value string, words []string) error {
	if *field >= 0 {
		return fmt.Errorf("duplicate syslog \"%s\"", name)
	}
	if *field = slices.Index(words, value); *field < 0 {
		return fmt.Errorf("unknown syslog %s \"%s\"", name, value)
	}
	return nil
}

func (s *Syslog) setTag(tag string) error {
	if s.Tag != "" {
		return errors.New(`duplicate syslog "tag"`)
	}
	if len(tag) > maxTag {
		return fmt.Errorf("syslog tag length exceeds %d", maxTag)
	}
	for _, c := range []byte(strings.ToLower(tag)) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '_' {
			return errors.New(`syslog "tag" only allows alphanumeric characters and underscore`)
		}
	}
	s.Tag = tag
	return nil
}

// AppendHeader appends what precedes a line of the given severity.
func (s *Syslog) AppendHeader(b []byte, severity int, now time.Time) []byte {
	b = append(b, '<')
	b = strconv.AppendInt(b, int64(s.Facility*8+severity), 10)
	b = append(b, '>')
	b = now.Local().AppendFormat(b, time.Stamp)
	b = append(b, ' ')
	if !s.NoHostname {
		b = append(append(b, s.hostname...), ' ')
	}
	return append(append(b, s.Tag...), ": "...)
}

// Send sends a datagram, header included, without waiting for anything. A
// server that is away is tried anew with the next line.
func (s *Syslog) Send(datagram []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		conn, err := net.Dial(s.Network, s.Address)
		if err != nil {
			return err
		}
		s.conn = conn
	}
	_, err := s.conn.Write(datagram)
	if err != nil {
		s.conn.Close()
		s.conn = nil
	}
	return err
}

// Close closes the socket.
func (s *Syslog) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}
