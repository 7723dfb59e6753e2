// Package tlsconf turns what nginx's ssl_* and proxy_ssl_* directives say into
// what crypto/tls takes: certificates and keys with their passwords, lists of
// ciphers and curves, versions, trusted certificates and revocation lists. Ahead
// of crypto/tls it answers the hellos of clients as OpenSSL does ([Front],
// [Hello.Negotiate]). It has nginx's and OpenSSL's words for what can be wrong with
// all of it. Package pki judges the certificates of others.
//
// Functions that read files take names as nginx shows them: complete ones.
// Their errors are complete messages, such as
//
//	cannot load certificate "/etc/x.crt": BIO_new_file() failed (SSL: ...)
//
// to which only a level, and for a session its context, is added.
package tlsconf
