package tlsconf

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
)

// Settings is what directives, and the commands of ssl_conf_command after them,
// say about connections: the part of OpenSSL's SSL_CTX that is for both sides.
type Settings struct {
	Protocols   Protocols
	Min, Max    Protocols     // the oldest and newest of them that may be used; 0: there is no bound
	Ciphers     []uint16      // of TLS 1.2 and older, the preferred one first; empty: none
	Curves      []tls.CurveID // empty: those of crypto/tls
	ServerOrder bool          // the order of Ciphers decides, not that of the client
	Tickets     bool          // sessions may be resumed by tickets
	Identity    Identity

	// Level is OpenSSL's security level, 0 to 5: what is weaker than
	// [pki.LevelBits] of it is not used, be it a key, a suite, a group or a
	// signature. 0 allows everything, so that who makes Settings begins with
	// DefaultLevel. @SECLEVEL=N in a list of ciphers changes it, for
	// what is set afterwards and for handshakes: certificates are judged by the
	// level at the time when they are loaded. Lists that do not mention the level leave it
	// as it is.
	Level int

	list []*suite // the ciphers with those that crypto/tls does not have
}

// Usable are the versions that can be used where the bounds are those of the
// default server of an address, def, which may be s itself.
func (s *Settings) Usable(def *Settings) Protocols {
	p := s.Protocols
	if def.Min != 0 {
		p &^= def.Min - 1
	}
	if def.Max != 0 {
		p &= def.Max<<1 - 1
	}
	if s.Level >= 3 {
		p &^= TLSv1
	}
	if s.Level >= 4 {
		p &^= TLSv11
	}
	return p & (TLSv1 | TLSv11 | TLSv12 | TLSv13)
}

// SetCiphers reads an OpenSSL cipher list, which may set the security level, too.
// Its error is a complete message.
func (s *Settings) SetCiphers(list string) error {
	if err := s.setCiphers(list); err != nil {
		return fmt.Errorf("SSL_CTX_set_cipher_list(\"%s\") failed %w", list, err)
	}
	return nil
}

// setCiphers has an error of [Ciphers].
func (s *Settings) setCiphers(list string) error {
	l, err := readCiphers(list)
	if err != nil {
		return err
	}
	s.Ciphers, s.list = l.found(), l.active
	if l.level >= 0 {
		s.Level = l.level
	}
	return nil
}

// SetCurves reads a list of groups. Its error is a complete message.
func (s *Settings) SetCurves(list string) (err error) {
	if s.Curves, _, err = Curves(list); err != nil {
		return fmt.Errorf("SSL_CTX_set1_curves_list(\"%s\") failed%w", list, err)
	}
	return nil
}

// command is one that OpenSSL has for its configuration files.
type command struct {
	// apply carries the command out. Its error is OpenSSL's queue, without the
	// last entry if it is "bad value". Nil: the command has no effect here.
	apply func(s *Settings, value string) error

	// check reports whether the value is one for a command that has no effect.
	// Nil: any is.
	check func(value string) bool
	file  bool // the value is a name of a file
}

// commands are OpenSSL's by their names in lower case.
var commands = map[string]*command{
	"protocol":                  {apply: setProtocol},
	"minprotocol":               {apply: setMinProtocol},
	"maxprotocol":               {apply: setMaxProtocol},
	"cipherstring":              {apply: func(s *Settings, v string) error { return unwrapped(s.setCiphers(v)) }},
	"ciphersuites":              {check: areCiphersuites},
	"curves":                    {apply: setGroups},
	"groups":                    {apply: setGroups},
	"ecdhparameters":            {},
	"options":                   {apply: setOptions},
	"certificate":               {apply: setCertificate, file: true},
	"privatekey":                {apply: setPrivateKey, file: true},
	"signaturealgorithms":       {check: areSignatures},
	"clientsignaturealgorithms": {check: areSignatures},
	"numtickets":                {},
	"recordpadding":             {},
	"verifymode":                {},
	"dhparameters":              {file: true},
	"serverinfofile":            {file: true},
	"chaincapath":               {file: true},
	"chaincafile":               {file: true},
	"verifycapath":              {file: true},
	"verifycafile":              {file: true},
	"requestcafile":             {file: true},
	"clientcafile":              {file: true},
	"clientcapath":              {file: true},
	"requestcapath":             {file: true},
}

// Run carries a command of ssl_conf_command out. path makes names of files
// complete. Its error is a complete message.
func (s *Settings) Run(name, value string, path func(string) string) error {
	c := commands[strings.ToLower(name)]
	if c == nil {
		return fmt.Errorf("SSL_CONF_cmd(\"%s\", \"%s\") failed (SSL: error:0A000182:SSL routines::unknown cmd name:cmd=%[1]s)", name, value)
	}
	if c.file {
		value = path(value)
	}
	var err error
	switch {
	case c.apply != nil:
		err = c.apply(s, value)
	case c.check != nil && !c.check(value):
		err = errBadValue
		if strings.EqualFold(name, "ciphersuites") {
			err = errNoCipherMatch
		}
	}
	if err == nil || errors.As(err, new(*UnsupportedError)) {
		return err
	}
	queue := err.Error()
	if queue != "" {
		queue += " "
	}
	return fmt.Errorf("SSL_CONF_cmd(\"%s\", \"%s\") failed (SSL: %serror:0A000180:SSL routines::bad value:cmd=%[1]s, value=%[2]s)", name, value, queue)
}

// HasEffect reports whether [Settings.Run] can do what a command says. For a
// command that it refuses the answer is yes.
func HasEffect(name, value string) bool {
	c := commands[strings.ToLower(name)]
	switch {
	case c == nil:
		return true
	case strings.EqualFold(name, "options"):
		return optionsHaveEffect(value)
	}
	return c.apply != nil || c.check != nil && !c.check(value)
}

var (
	errBadValue      = errors.New("")
	errNoCipherMatch = errors.New("error:0A0000B9:SSL routines::no cipher match")
)

// unwrapped takes the text around OpenSSL's queue of errors away.
func unwrapped(err error) error {
	if err == nil {
		return nil
	}
	text := strings.TrimPrefix(strings.TrimSpace(err.Error()), "(SSL: ")
	return errors.New(strings.TrimSuffix(text, ")"))
}

func setGroups(s *Settings, value string) (err error) {
	s.Curves, _, err = Curves(value)
	return unwrapped(err)
}

// allProtocols is the word ALL of the command Protocol.
const allProtocols = SSLv3 | TLSv1 | TLSv11 | TLSv12 | TLSv13

// setProtocol reads a list of versions that are allowed too or, with "-" in front,
// not any more.
func setProtocol(s *Settings, value string) error {
	set := s.Protocols
	for word := range strings.SplitSeq(value, ",") {
		name, off := strings.CutPrefix(word, "-")
		if !off {
			name = strings.TrimPrefix(name, "+")
		}
		bits, ok := ProtocolNames[strings.ToLower(name)]
		switch strings.ToLower(name) {
		case "all":
			bits, ok = allProtocols, true
		case "dtlsv1", "dtlsv1.2":
			ok = true
		}
		switch {
		case !ok:
			return errBadValue
		case off:
			set &^= bits
		default:
			set |= bits
		}
	}
	s.Protocols = set
	return nil
}

func setMinProtocol(s *Settings, value string) (err error) {
	s.Min, err = oneProtocol(value, s.Min)
	return err
}

func setMaxProtocol(s *Settings, value string) (err error) {
	s.Max, err = oneProtocol(value, s.Max)
	return err
}

// bounds are the names of versions as bounds, in which case counts. "None" sets no
// bound.
var bounds = map[string]Protocols{"None": 0, "SSLv3": SSLv3, "TLSv1": TLSv1, "TLSv1.1": TLSv11, "TLSv1.2": TLSv12, "TLSv1.3": TLSv13}

// oneProtocol reads the name of a bound. Those of DTLS leave the bound as it is.
func oneProtocol(value string, now Protocols) (Protocols, error) {
	bits, ok := bounds[value]
	switch {
	case ok:
		return bits, nil
	case value == "DTLSv1", value == "DTLSv1.2":
		return now, nil
	}
	return now, errBadValue
}

// optionNames are the words of the command Options, in lower case. Those that
// have an effect here are true.
var optionNames = map[string]bool{
	"sessionticket": true, "serverpreference": true, "emptyfragments": false, "bugs": false, "compression": false,
	"noresumptiononrenegotiation": false, "dhsingle": false, "ecdhsingle": false, "unsafelegacyrenegotiation": false,
	"unsafelegacyserverconnect": false, "clientrenegotiation": false, "encryptthenmac": false, "norenegotiation": false,
	"allownodhekex": false, "prioritizechacha": false, "middleboxcompat": false, "antireplay": false,
	"extendedmastersecret": false, "canames": false, "ktls": false, "strictcertcheck": false,
	"txcertificatecompression": false, "rxcertificatecompression": false,
}

func setOptions(s *Settings, value string) error {
	for word := range strings.SplitSeq(value, ",") {
		on := !strings.HasPrefix(word, "-")
		name := strings.ToLower(strings.TrimLeft(word, "+-"))
		if _, ok := optionNames[name]; !ok {
			return errBadValue
		}
		switch name {
		case "sessionticket":
			s.Tickets = on
		case "serverpreference":
			s.ServerOrder = on
		}
	}
	return nil
}

func optionsHaveEffect(value string) bool {
	for word := range strings.SplitSeq(value, ",") {
		if effect, ok := optionNames[strings.ToLower(strings.TrimLeft(word, "+-"))]; ok && !effect {
			return false
		}
	}
	return true
}

// setCertificate is the command Certificate: a certificate with its chain.
func setCertificate(s *Settings, name string) error {
	chain, err := readChain(name)
	if err != nil {
		return commandFile(name, err)
	}
	return s.Identity.setCertificate(name, chain, s.Level)
}

func setPrivateKey(s *Settings, name string) error {
	key, _, err := readKey(name, nil)
	if err != nil {
		return commandFile(name, err)
	}
	return s.Identity.setKey(key)
}

// commandFile is OpenSSL's own way to tell of a file that it cannot use.
func commandFile(name string, err error) error {
	var e *opensslError
	if !errors.As(err, &e) {
		return err
	}
	queue := strings.Join(e.queue, " ")
	if strings.HasPrefix(e.call, "BIO_new_file") {
		queue = e.queue[0] + " error:10080002:BIO routines::system lib error:0A080002:SSL routines::system lib"
	} else if !strings.HasPrefix(e.call, "PEM_read_bio_X509()") { // which is about the rest of a chain
		queue += " error:0A080009:SSL routines::PEM lib"
	}
	return errors.New(queue)
}

func areCiphersuites(value string) bool {
	for name := range strings.SplitSeq(value, ":") {
		known := false
		for _, s := range allSuites() {
			known = known || s.name == name && s.protocol == "TLSv1.3"
		}
		if name != "" && !known && name != "TLS_AES_128_CCM_SHA256" && name != "TLS_AES_128_CCM_8_SHA256" {
			return false
		}
	}
	return true
}

// areSignatures accepts names like RSA+SHA256 and rsa_pss_rsae_sha256.
func areSignatures(value string) bool {
	for name := range strings.SplitSeq(strings.ToLower(value), ":") {
		kind, hash, _ := strings.Cut(name, "+")
		known := strings.HasPrefix(hash, "sha") && strings.Contains(" rsa rsa-pss pss ecdsa dsa ", " "+kind+" ") ||
			strings.HasPrefix(name, "rsa_p") || strings.HasPrefix(name, "ecdsa_") || name == "ed25519" || name == "ed448"
		if !known {
			return false
		}
	}
	return true
}
