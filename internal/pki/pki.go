// Package pki judges certificates, revocation lists and the names in them as
// OpenSSL 3.0 does for nginx: with its verdicts, its numbers for what is wrong,
// and its way of going on after a failure, so that the last one counts.
//
// Package crypto/x509 parses and checks signatures. It does not decide whether a
// certificate is good: the rules are RFC 5280's as OpenSSL reads them.
package pki
