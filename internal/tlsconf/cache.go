package tlsconf

import (
	"container/list"
	"crypto"
	"os"
	"sync"
	"time"
)

// Cache keeps certificates and keys that were read while connections are made:
// ssl_certificate_cache and proxy_ssl_certificate_cache. A certificate and its
// key are two objects. Keys that need a password are not kept. It may be used
// from several goroutines; nil is a cache that keeps nothing.
type Cache struct {
	max             int
	valid, inactive int64 // seconds
	now             func() int64

	mu    sync.Mutex
	items map[cacheKey]*list.Element
	order *list.List // of *cacheItem, the one used last in front
}

type cacheKey struct {
	name string
	kind objectKind
}

type objectKind uint8

const (
	certObject objectKind = iota
	keyObject
)

type cacheItem struct {
	cacheKey
	value             any
	file              os.FileInfo // nil if there is none
	created, accessed int64       // Unix seconds
}

// NewCache makes a cache for at most max objects. After valid an object is read
// again if its file has changed; one that was not used for inactive may go. Both
// have a resolution of a second.
func NewCache(most int, valid, inactive time.Duration) *Cache {
	return &Cache{
		max: most, valid: int64(valid / time.Second), inactive: int64(inactive / time.Second),
		now:   func() int64 { return time.Now().Unix() },
		items: map[cacheKey]*list.Element{}, order: list.New(),
	}
}

func (c *Cache) certificates(name string, again bool) ([]*certificate, error) {
	value, err := c.fetch(cacheKey{name, certObject}, again, func() (any, bool, error) {
		chain, err := loadChain(name)
		return chain, true, err
	})
	chain, _ := value.([]*certificate)
	return chain, err
}

func (c *Cache) key(name string, passwords []string, again bool) (crypto.Signer, error) {
	value, err := c.fetch(cacheKey{name, keyObject}, again, func() (any, bool, error) {
		key, encrypted, err := Key(name, passwords)
		return key, !encrypted, err
	})
	key, _ := value.(crypto.Signer)
	return key, err
}

// loader reads an object, and reports whether it may be kept.
type loader func() (value any, keep bool, err error)

// fetch returns an object. again means that what the cache has is not wanted.
func (c *Cache) fetch(key cacheKey, again bool, load loader) (any, error) {
	if c == nil {
		value, _, err := load()
		return value, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if e := c.items[key]; e != nil {
		return c.fetchKept(e, now, again, load)
	}
	file := stat(key)
	value, keep, err := load()
	if err != nil || !keep {
		return value, err
	}
	c.expire(now)
	c.items[key] = c.order.PushFront(&cacheItem{cacheKey: key, value: value, file: file, created: now, accessed: now})
	return value, nil
}

// fetchKept returns an object that is in the cache, and reads it again if it
// may be another by now.
func (c *Cache) fetchKept(e *list.Element, now int64, again bool, load loader) (any, error) {
	item := e.Value.(*cacheItem)
	fresh := IsData(item.name) || !again && now-item.created <= c.valid
	if !fresh {
		file := stat(item.cacheKey)
		if again || !sameFile(file, item.file) {
			value, keep, err := load()
			if err != nil || !keep {
				c.remove(e)
				return value, err
			}
			item.value, item.file = value, file
		}
		item.created = now
	}
	item.accessed = now
	c.order.MoveToFront(e)
	return item.value, nil
}

// expire makes room for one object: up to two that are out of use go, and if
// there is still no room the one that was used longest ago.
func (c *Cache) expire(now int64) {
	c.expireInactive(now)
	if c.order.Len() >= c.max {
		c.remove(c.order.Back())
		c.expireInactive(now)
	}
}

func (c *Cache) expireInactive(now int64) {
	for range 2 {
		last := c.order.Back()
		if last == nil || now-last.Value.(*cacheItem).accessed <= c.inactive {
			return
		}
		c.remove(last)
	}
}

func (c *Cache) remove(e *list.Element) {
	delete(c.items, e.Value.(*cacheItem).cacheKey)
	c.order.Remove(e)
}

func stat(key cacheKey) os.FileInfo {
	if IsData(key.name) {
		return nil
	}
	info, err := os.Stat(key.name)
	if err != nil {
		return nil
	}
	return info
}

// sameFile reports whether a file is still the one it was: the same inode, not
// modified since.
func sameFile(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) && a.ModTime().Equal(b.ModTime())
}
