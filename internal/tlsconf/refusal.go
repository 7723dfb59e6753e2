package tlsconf

import "slices"

// Refusal is why OpenSSL does not go on with a handshake. The zero value stands
// for nothing.
type Refusal struct {
	// Alert is what the other side is told, NoAlert for nothing.
	Alert  int
	reason int    // OpenSSL's number
	words  string // and text
	cause  string // another error of OpenSSL, which comes first; empty: none
}

// NoAlert is the Alert of a Refusal that the other side is not told of.
const NoAlert = -1

// Error implements error: "error:0A0000C1:SSL routines::no shared cipher".
func (r *Refusal) Error() string { return r.cause + sslError(r.reason, r.words) }

// Unusual reports whether nginx does not count the reason among those that
// clients are to blame for: it logs such at level crit.
func (r *Refusal) Unusual() bool { return slices.Contains(unusualReasons, r.reason) }

// unusualReasons are those that nginx has no list for.
var unusualReasons = []int{
	reasonCANames, reasonBoundary, reasonNoCiphers, reasonNoProtocols, reasonGroups, reasonFragment, reasonPostAuth,
	reasonKeyModes, reasonCompression, reasonSignature, reasonChange13, reasonOldSig,
}

// Numbers of OpenSSL's reasons that are compared with.
const (
	reasonCANames     = 131
	reasonNoCiphers   = 181
	reasonBoundary    = 182
	reasonNoProtocols = 191
	reasonGroups      = 209
	reasonFragment    = 232
	reasonChange13    = 260
	reasonPostAuth    = 278
	reasonKeyModes    = 310
	reasonOldSig      = 333
	reasonCompression = 341
	reasonSignature   = 370
)

// Alerts by which handshakes are refused.
const (
	alertUnexpectedMessage     = 10
	alertRecordOverflow        = 22
	alertHandshakeFailure      = 40
	alertIllegalParameter      = 47
	alertDecodeError           = 50
	alertProtocolVersion       = 70
	alertInternalError         = 80
	alertFallback              = 86
	alertMissingExtension      = 109
	alertUnrecognizedName      = 112
	alertNoApplicationProtocol = 120
)

// About records.
var (
	refuseHTTP            = &Refusal{Alert: NoAlert, reason: 156, words: "http request"}
	refuseProxy           = &Refusal{Alert: NoAlert, reason: 155, words: "https proxy request"}
	refuseNotTLS          = &Refusal{Alert: NoAlert, reason: 267, words: "wrong version number"}
	refuseRecordVersion   = &Refusal{Alert: alertProtocolVersion, reason: 267, words: "wrong version number"}
	refusePacketLength    = &Refusal{Alert: alertRecordOverflow, reason: 198, words: "packet length too long"}
	refuseEncryptedLength = &Refusal{Alert: alertRecordOverflow, reason: 150, words: "encrypted length too long"}
	refuseDataLength      = &Refusal{Alert: alertRecordOverflow, reason: 146, words: "data length too long"}
	refuseEmptyRecords    = &Refusal{Alert: alertUnexpectedMessage, reason: 298, words: "record too small"}
	refuseEmptyMessage    = &Refusal{Alert: alertUnexpectedMessage, reason: 271, words: "bad length"}
	refuseMessage         = &Refusal{Alert: alertUnexpectedMessage, reason: 244, words: "unexpected message"}
	refuseRecord          = &Refusal{Alert: alertUnexpectedMessage, reason: 245, words: "unexpected record"}
	refuseAlert           = &Refusal{Alert: alertUnexpectedMessage, reason: 205, words: "invalid alert"}
	refuseAlertLevel      = &Refusal{Alert: alertIllegalParameter, reason: 246, words: "unknown alert type"}
	refuseWarnings        = &Refusal{Alert: alertUnexpectedMessage, reason: 409, words: "too many warn alerts"}
	refuseNoRenegotiation = &Refusal{Alert: alertHandshakeFailure, reason: 339, words: "no renegotiation"}
	refuseChange13        = &Refusal{Alert: alertIllegalParameter, reason: reasonChange13, words: "invalid ccs message"}
	refuseRecordType      = &Refusal{Alert: alertUnexpectedMessage, reason: 443, words: "bad record type"}
	refuseChangeEarly     = &Refusal{Alert: alertUnexpectedMessage, reason: 133, words: "ccs received early"}
	refuseChangeCipher    = &Refusal{Alert: alertUnexpectedMessage, reason: 103, words: "bad change cipher spec"}
	refuseMessageSize     = &Refusal{Alert: alertIllegalParameter, reason: 152, words: "excessive message size"}
)

// About the form of hellos.
var (
	refuseShort            = &Refusal{Alert: alertDecodeError, reason: 160, words: "length too short"}
	refuseLength           = &Refusal{Alert: alertDecodeError, reason: 159, words: "length mismatch"}
	refuseOldLength        = &Refusal{Alert: alertDecodeError, reason: 213, words: "record length mismatch"}
	refuseOldSession       = &Refusal{Alert: alertIllegalParameter, reason: 159, words: "length mismatch"}
	refuseExtension        = &Refusal{Alert: alertDecodeError, reason: 110, words: "bad extension"}
	refuseExtensionTwice   = &Refusal{Alert: alertIllegalParameter, reason: 110, words: "bad extension"}
	refuseNoCiphers        = &Refusal{Alert: alertIllegalParameter, reason: 183, words: "no ciphers specified"}
	refuseCipherList       = &Refusal{Alert: alertDecodeError, reason: 151, words: "error in received cipher list"}
	refuseNoCompression    = &Refusal{Alert: alertDecodeError, reason: 187, words: "no compression specified"}
	refuseCompression      = &Refusal{Alert: alertIllegalParameter, reason: reasonCompression, words: "invalid compression algorithm"}
	refuseBoundary         = &Refusal{Alert: alertUnexpectedMessage, reason: reasonBoundary, words: "not on record boundary"}
	refuseRenegotiation    = &Refusal{Alert: alertDecodeError, reason: 336, words: "renegotiation encoding err"}
	refuseRenegotiationKey = &Refusal{Alert: alertHandshakeFailure, reason: 337, words: "renegotiation mismatch"}
	refuseFragment         = &Refusal{Alert: alertIllegalParameter, reason: reasonFragment, words: "ssl3 ext invalid max fragment length"}
	refusePostAuth         = &Refusal{Alert: alertDecodeError, reason: reasonPostAuth, words: "post handshake auth encoding err"}
	refuseCANames          = &Refusal{Alert: alertDecodeError, reason: reasonCANames, words: "ca dn length mismatch"}
)

// About what hellos ask for.
var (
	refuseVersionList     = &Refusal{Alert: alertProtocolVersion, reason: 159, words: "length mismatch"}
	refuseLegacyVersion   = &Refusal{Alert: alertProtocolVersion, reason: 292, words: "bad legacy version"}
	refuseUnknownProtocol = &Refusal{Alert: alertProtocolVersion, reason: 252, words: "unknown protocol"}
	refuseVersion         = &Refusal{Alert: alertProtocolVersion, reason: 258, words: "unsupported protocol"}
	refuseVersionTooLow   = &Refusal{Alert: alertProtocolVersion, reason: 396, words: "version too low"}
	refuseFallback        = &Refusal{Alert: alertFallback, reason: 373, words: "inappropriate fallback"}
	refuseCipher          = &Refusal{Alert: alertHandshakeFailure, reason: 193, words: "no shared cipher"}
	refuseGroupsMissing   = &Refusal{Alert: alertMissingExtension, reason: reasonGroups, words: "missing supported groups extension"}
	refuseShare           = &Refusal{Alert: alertIllegalParameter, reason: 108, words: "bad key share"}
	refusePoint           = &Refusal{Alert: alertIllegalParameter, reason: 306, words: "bad ecpoint"}
	refusePointForm       = &Refusal{Alert: alertIllegalParameter, reason: 306, words: "bad ecpoint", cause: "error:08000066:elliptic curve routines::invalid encoding "}
	refusePointOff        = &Refusal{Alert: alertIllegalParameter, reason: 306, words: "bad ecpoint", cause: "error:0800006B:elliptic curve routines::point is not on curve "}
	refuseNoShare         = &Refusal{Alert: alertHandshakeFailure, reason: 101, words: "no suitable key share"}
	refuseShareMissing    = &Refusal{Alert: alertMissingExtension, reason: 101, words: "no suitable key share"}
	refuseKeyModes        = &Refusal{Alert: alertMissingExtension, reason: reasonKeyModes, words: "missing psk kex modes extension"}
	refuseSigAlgsMissing  = &Refusal{Alert: alertMissingExtension, reason: 112, words: "missing sigalgs extension"}
	refuseSharedSigAlgs   = &Refusal{Alert: alertHandshakeFailure, reason: 376, words: "no shared signature algorithms"}
	refuseSigAlg          = &Refusal{Alert: alertHandshakeFailure, reason: 118, words: "no suitable signature algorithm"}
	refuseOldSigAlg       = &Refusal{Alert: alertInternalError, reason: 118, words: "no suitable signature algorithm"}
	refuseSigType         = &Refusal{Alert: alertHandshakeFailure, reason: reasonSignature, words: "wrong signature type"}
	refuseOldSignature    = &Refusal{Alert: alertInternalError, reason: reasonOldSig, words: "legacy sigalg disallowed or unsupported"}
	refuseProtocol        = &Refusal{Alert: alertNoApplicationProtocol, reason: 235, words: "no application protocol"}
)

// Refusals for which there are other reasons than the hello.
var (
	// NameMalformed is about an extension with the name of a server that is none.
	NameMalformed = &Refusal{Alert: alertDecodeError, reason: 234, words: "callback failed"}
	// NameRefused is about the name of a server that is not served or cannot be one.
	NameRefused = &Refusal{Alert: alertUnrecognizedName, reason: 234, words: "callback failed"}
	// NoCertificate is about certificates that could not be read in time.
	NoCertificate = &Refusal{Alert: alertInternalError, reason: 377, words: "cert cb error"}
	// NoProtocols is about settings that leave no version.
	NoProtocols = &Refusal{Alert: alertProtocolVersion, reason: reasonNoProtocols, words: "no protocols available"}
	// NoCiphersForVersion is about settings of a server with a newest version that
	// has no ciphers, NoCiphersToOffer about those of a client.
	NoCiphersForVersion = &Refusal{Alert: alertHandshakeFailure, reason: reasonNoCiphers, words: noCiphers}
	NoCiphersToOffer    = &Refusal{Alert: alertInternalError, reason: reasonNoCiphers, words: noCiphers}
)

const noCiphers = "no ciphers available:No ciphers enabled for max supported SSL/TLS version"

// Record is the alert as it is sent with a version in its header.
func (r *Refusal) Record(version uint16) []byte {
	return []byte{recordAlert, byte(version >> 8), byte(version), 0, 2, 2, byte(r.Alert)}
}
