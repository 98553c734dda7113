// Quicksort of unsigned 32-bit words: median of three, the longer part in a loop, so that recursion is 32 deep at most.
#include "abi.h"
#include "random.h"

static void insertion(uint32_t *a, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    uint32_t v = a[i], k = i;
    for (; k > 0 && a[k - 1] > v; k--) a[k] = a[k - 1];
    a[k] = v;
  }
}

static void swap(uint32_t *a, uint32_t *b) {
  uint32_t v = *a;
  *a = *b;
  *b = v;
}

// partition leaves no word of a[0..p) above, and none of a[p..n) below, a pivot; 0 < p < n. n is at least 3.
static uint32_t partition(uint32_t *a, uint32_t n) {
  uint32_t *mid = a + n / 2, *last = a + n - 1;
  if (*mid < *a) swap(mid, a);
  if (*last < *mid) swap(last, mid);
  if (*mid < *a) swap(mid, a);
  uint32_t pivot = *mid, i = 0, k = n - 1; // a[0] ≤ pivot ≤ a[n-1]: neither scan leaves the array
  for (;;) {
    do i++; while (a[i] < pivot);
    do k--; while (a[k] > pivot);
    if (i >= k) return k + 1;
    swap(a + i, a + k);
  }
}

static void quicksort(uint32_t *a, uint32_t n) {
  while (n > 16) {
    uint32_t p = partition(a, n);
    if (p < n - p) {
      quicksort(a, p);
      a += p, n -= p;
    } else {
      quicksort(a + p, n - p);
      n = p;
    }
  }
  insertion(a, n);
}

// sort(data) is data, little-endian words, in ascending order. The length is a multiple of four.
EXPORT(sort) bytes *sort(uint8_t *data, uint32_t len) {
  if (len % 4 != 0) __builtin_trap();
  quicksort((uint32_t *)data, len / 4);
  return give(data, len);
}

// sort_random(n, seed) is the digest of n sorted pseudo-random words.
EXPORT(sort_random) uint64_t sort_random(uint32_t n, uint64_t seed) {
  uint32_t *a = take(4 * (uint64_t)n);
  for (uint32_t i = 0; i < n; i++) a[i] = next_word(&seed);
  quicksort(a, n);
  return digest(a, n);
}
