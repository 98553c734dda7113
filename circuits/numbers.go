package circuits

// Numbers describes a table of one column that is the same in every proof: it has n rows, and number gives what row i holds. n is 0 for
// any other chip. What has so many rows is not listed in [Contents].
func (c *Chip) Numbers() (n int, number func(i int) uint64) {
	same := func(i int) uint64 { return uint64(i) }
	switch c.Name {
	case nameRange:
		return 1 << 16, same
	case nameByte:
		return 1 << 8, same
	case nameSpread:
		return 1 << 16, func(i int) uint64 { return spreadOut(uint64(i)) }
	}
	return 0, nil
}
