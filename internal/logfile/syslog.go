package logfile

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// The numbers of RFC 3164 that nginx takes when none are given.
const (
	defaultFacility = 23 // local7
	defaultSeverity = 6  // info
)

// maxTag is the longest tag that RFC 3164 allows.
const maxTag = 32

var facilities = []string{
	"kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp",
	"ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

var severities = []string{"emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

// Resolver finds the datagram address of a syslog server: network is "udp" or
// "unixgram"; the default port is 514. name is how nginx shows the server, such
// as "127.0.0.1:514" or "unix:/dev/log". The error is a text such as `no host`.
type Resolver func(server string) (network, address, name string, err error)

// ParseSyslog reads what follows "syslog:" in access_log and error_log:
// server=ADDRESS[,facility=...][,severity=...][,tag=...][,nohostname]. Errors
// are nginx's. Nothing is opened before the first line.
func ParseSyslog(text string, resolve Resolver) (*Syslog, error) {
	s := &Syslog{Facility: -1, Severity: -1, text: text}
	tagged := false
	for param := range strings.SplitSeq(text, ",") {
		if err := s.parameter(param, resolve, &tagged); err != nil {
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
	if !tagged {
		s.Tag = "nginx"
	}
	if name, err := os.Hostname(); err == nil {
		s.hostname = strings.ToLower(name)
	}
	return s, nil
}

// parameter reads one of the words between commas. tagged tells of a tag before,
// which may be empty.
func (s *Syslog) parameter(param string, resolve Resolver, tagged *bool) (err error) {
	name, value, assigned := strings.Cut(param, "=")
	switch {
	case assigned && name == "server":
		return s.setServer(value, resolve)
	case assigned && name == "facility":
		return setWord(&s.Facility, name, value, facilities)
	case assigned && name == "severity":
		return setWord(&s.Severity, name, value, severities)
	case assigned && name == "tag":
		if *tagged {
			return errors.New(`duplicate syslog "tag"`)
		}
		*tagged = true
		s.Tag = value
		return checkTag(value)
	case param == "nohostname":
		s.NoHostname = true
		return nil
	}
	return fmt.Errorf(`unknown syslog parameter "%s"`, param)
}

func (s *Syslog) setServer(server string, resolve Resolver) (err error) {
	if s.Address != "" {
		return errors.New(`duplicate syslog "server"`)
	}
	if s.Network, s.Address, s.name, err = resolve(server); err != nil {
		return fmt.Errorf(`%w in syslog server "%s"`, err, server)
	}
	return nil
}

func setWord(field *int, name, value string, words []string) error {
	if *field >= 0 {
		return fmt.Errorf(`duplicate syslog "%s"`, name)
	}
	if *field = slices.Index(words, value); *field < 0 {
		return fmt.Errorf(`unknown syslog %s "%s"`, name, value)
	}
	return nil
}

func checkTag(tag string) error {
	if len(tag) > maxTag {
		return fmt.Errorf("syslog tag length exceeds %d", maxTag)
	}
	for _, c := range []byte(tag) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' {
			return errors.New(`syslog "tag" only allows alphanumeric characters and underscore`)
		}
	}
	return nil
}
