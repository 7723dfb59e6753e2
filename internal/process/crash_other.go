//go:build !linux

package process

// FallBySignal does nothing here.
func FallBySignal() {}
