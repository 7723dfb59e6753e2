package pki

// Purpose is what a certificate must be good for.
type Purpose int

// The purposes. Their numbers have no meaning.
const (
	// Client is to be shown by a client of TLS. It is the zero value.
	Client Purpose = iota
	// Server is to be shown by a server of TLS.
	Server
	// OCSPHelper is to sign OCSP responses. What the certificate itself says
	// about its use is left to the check of the response; its issuers have to be
	// authorities.
	OCSPHelper
)

// Bits of key usage (RFC 5280, 4.2.1.3), of Netscape's certificate type and of
// extended key usage; the last are our own.
const (
	useDigitalSignature usage = 0x80
	useKeyEncipherment  usage = 0x20
	useKeyAgreement     usage = 0x08
	useCertificateSign  usage = 0x04

	netscapeClient         usage = 0x80
	netscapeServer         usage = 0x40
	netscapeTLSAuthority   usage = 0x04
	netscapeAnyAuthority   usage = 0x07
	extUseServer           usage = 1
	extUseClient           usage = 2
	extUseServerGatedCrypt usage = 4
	extUseOCSPSigning      usage = 8
)

// Identifiers of extended key usages.
const (
	oidServerAuth  = "1.3.6.1.5.5.7.3.1"
	oidClientAuth  = "1.3.6.1.5.5.7.3.2"
	oidOCSPSigning = "1.3.6.1.5.5.7.3.9"
	oidAnyUsage    = "2.5.29.37.0"
)

// extUsages are the extended key usages that count. That for any purpose is not
// among them: OpenSSL does not take it for that of TLS.
var extUsages = map[string]usage{
	oidServerAuth:            extUseServer,
	oidClientAuth:            extUseClient,
	"1.3.6.1.4.1.311.10.3.3": extUseServerGatedCrypt, // Microsoft's
	"2.16.840.1.113730.4.1":  extUseServerGatedCrypt, // Netscape's
	oidOCSPSigning:           extUseOCSPSigning,
}

// kindOfAuthority is why a certificate counts as one of an authority.
type kindOfAuthority int

const (
	noAuthority       kindOfAuthority = iota
	plainAuthority                    // basicConstraints says so
	oldRoot                           // self-signed, of version 1
	authorityByUsage                  // without basicConstraints, may sign certificates
	netscapeAuthority                 // without both, by Netscape's certificate type
)

func (c *certificate) kindOfAuthority() kindOfAuthority {
	switch {
	case c.invalid, !c.keyUsage.allows(useCertificateSign):
		return noAuthority
	case c.constraints && c.authority:
		return plainAuthority
	case c.constraints:
		return noAuthority
	case c.Version == 1 && c.selfSigned:
		return oldRoot
	case c.keyUsage != nil:
		return authorityByUsage
	case c.netscape != nil && c.netscape.allows(netscapeAnyAuthority):
		return netscapeAuthority
	}
	return noAuthority
}

// suits reports whether a certificate may be used for a purpose, or to issue
// those that are. One that is not valid suits every purpose: other checks have
// failed before.
func (c *certificate) suits(purpose Purpose, asAuthority bool) bool {
	switch {
	case c.invalid:
		return true
	case purpose == OCSPHelper:
		return !asAuthority || c.kindOfAuthority() != noAuthority
	case purpose == Client && !c.extKeyUsage.allows(extUseClient), purpose == Server && !c.extKeyUsage.allows(extUseServer|extUseServerGatedCrypt):
		return false
	case asAuthority:
		kind := c.kindOfAuthority()
		return kind != noAuthority && (kind != netscapeAuthority || c.netscape.allows(netscapeTLSAuthority))
	case purpose == Client:
		return c.keyUsage.allows(useDigitalSignature|useKeyAgreement) && c.netscape.allows(netscapeClient)
	}
	return c.keyUsage.allows(useDigitalSignature|useKeyEncipherment|useKeyAgreement) && c.netscape.allows(netscapeServer)
}

// position is where in a chain a certificate stands, as the checks see it that
// go from the first one up.
type position struct {
	authorities int  // below it, but for those that renew their own certificate
	proxies     int  // how far the chain may be longer because of proxies
	asAuthority bool // it has issued one
	notIssuer   bool // it comes after a proxy's, which only a user's certificate can issue
}

// checkExtensions looks whether the certificates may be where they are in the
// chain.
func (c *check) checkExtensions() {
	var at position
	for i, cert := range c.certs {
		if cert.unhandled {
			c.fail(unhandledExtension)
		}
		if cert.proxy {
			c.fail(proxyNotAllowed)
		}
		c.checkAuthority(i, at)
		if settings := c.settingsOf(i); settings == refused || settings == neutral && !cert.suits(c.purpose, at.asAuthority) {
			c.fail(unsuitablePurpose)
		}
		if i > 1 && cert.pathLength >= 0 && at.authorities > cert.pathLength+at.proxies {
			c.fail(pathLengthExceeded)
		}
		c.advance(i, &at)
	}
}

// checkAuthority looks whether a certificate is one of an authority if it has to
// be, and is not if it must not. Only the last one may be one of an old kind.
func (c *check) checkAuthority(i int, at position) {
	kind := c.certs[i].kindOfAuthority()
	switch {
	case at.notIssuer && kind != noAuthority:
		c.fail(invalidNonCA)
	case at.asAuthority && (kind == noAuthority || i+1 < len(c.certs) && kind != plainAuthority):
		c.fail(invalidCA)
	}
}

// advance goes from a certificate to its issuer.
func (c *check) advance(i int, at *position) {
	cert := c.certs[i]
	if i > 0 && !cert.selfIssued {
		at.authorities++
	}
	if cert.proxy {
		if limit := cert.proxyLength; limit >= 0 {
			if at.proxies > limit {
				c.fail(proxyLengthExceeded)
			}
			at.proxies = limit
		}
		at.proxies++
	}
	at.asAuthority, at.notIssuer = !cert.proxy, cert.proxy
}
