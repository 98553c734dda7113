// Comparisons with a threshold: what is said of values that may stay hidden. The work depends on how many values there are, never
// on what they are. Values are unsigned 64-bit integers, in lists little-endian.
#include "abi.h"

static uint32_t count(uint32_t len) {
  if (len % 8 != 0) __builtin_trap();
  return len / 8;
}

// at_least(value, threshold) is 1 if value ≥ threshold, else 0.
EXPORT(at_least) uint32_t at_least(uint64_t value, uint64_t threshold) { return value >= threshold; }

// all_at_least(values, threshold) is 1 if every value is ≥ threshold, else 0.
EXPORT(all_at_least) uint32_t all_at_least(const uint64_t *values, uint32_t len, uint64_t threshold) {
  uint32_t n = count(len), ok = 1;
  for (uint32_t i = 0; i < n; i++) ok &= values[i] >= threshold;
  return ok;
}

// sum_at_least(values, threshold) is 1 if the values add up to threshold or more, else 0. A sum of 2^64 or more counts as that.
EXPORT(sum_at_least) uint32_t sum_at_least(const uint64_t *values, uint32_t len, uint64_t threshold) {
  uint32_t n = count(len), over = 0;
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    sum += values[i];
    over |= sum < values[i];
  }
  return over | (sum >= threshold);
}
