package runtime

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/ipfs/go-cid"
)

const defaultCacheBytes = 512 << 20

// The cache names code by what wazero hashes, which is dear to find out before a module is instrumented. So a file without content is kept
// beside it for each linked module whose code was put there. Both are pruned by age.
func noteName(dir string, c cid.Cid) string { return filepath.Join(dir, "linked", c.String()) }

// note remembers that the code of a linked module is in the cache. That it cannot is no reason to stop: the module is then taken for one that is not.
func note(dir string, c cid.Cid) {
	name := noteName(dir, c)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err == nil {
		_ = os.WriteFile(name, nil, 0o600) // see above
	}
}

func noted(dir string, c cid.Cid) bool {
	_, err := os.Stat(noteName(dir, c))
	return err == nil
}

// prune removes the oldest files below dir until they take max bytes at most.
func prune(dir string, max int64) error {
	if max <= 0 {
		max = defaultCacheBytes
	}
	files, err := cacheFiles(dir)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b cacheFile) int { return b.info.ModTime().Compare(a.info.ModTime()) })
	for _, f := range files {
		if max -= f.info.Size(); max >= 0 {
			continue
		}
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) { // another process may have removed it
			return err
		}
	}
	return nil
}

// empty removes all files below dir.
func empty(dir string) error {
	files, err := cacheFiles(dir)
	for _, f := range files {
		if err := os.Remove(f.path); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return err
}

type cacheFile struct {
	path string
	info os.FileInfo
}

func cacheFiles(dir string) (files []cacheFile, err error) {
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if info, err := d.Info(); err == nil {
			files = append(files, cacheFile{path, info})
		}
		return nil
	})
	return files, err
}
