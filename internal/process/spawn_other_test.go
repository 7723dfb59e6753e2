//go:build !unix

package process

func spawned() {}
