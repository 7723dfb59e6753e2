package stream

import "net/netip"

// hasTransparent: the system cannot connect from addresses that are not its own.
const hasTransparent = false

// setTransparent is never asked for.
func setTransparent(int, netip.Addr) (string, error) { return "", nil }

// setBindNoPort has nothing to do: there is no such option here.
func setBindNoPort(int) error { return nil }
