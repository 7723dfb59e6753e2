//go:build !linux

package relay

// relayKinds are the relays of this system.
var relayKinds = map[string]relayed{"copier": copied}
