// Products of square matrices of 32-bit words, modulo 2^32, row by row.
#include "abi.h"
#include "random.h"

static void multiply(const uint32_t *a, const uint32_t *b, uint32_t *out, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    uint32_t *row = out + i * n;
    for (uint32_t k = 0; k < n; k++) {
      uint32_t x = a[i * n + k];
      for (uint32_t j = 0; j < n; j++) row[j] += x * b[k * n + j];
    }
  }
}

static uint64_t size(uint32_t n) {
  if (n > 0x7fff) __builtin_trap();
  return 4 * (uint64_t)n * n;
}

// matrix_product(a, b, n) is a·b. Each is n rows of n little-endian words.
EXPORT(matrix_product) bytes *matrix_product(const uint8_t *a, uint32_t a_len, const uint8_t *b, uint32_t b_len, uint32_t n) {
  if (a_len != size(n) || b_len != size(n)) __builtin_trap();
  uint32_t *out = take(size(n));
  multiply((const uint32_t *)a, (const uint32_t *)b, out, n);
  return give(out, size(n));
}

// matrix_random(n, seed) is the digest of the product of two pseudo-random n×n matrices.
EXPORT(matrix_random) uint64_t matrix_random(uint32_t n, uint64_t seed) {
  uint32_t *a = take(size(n)), *b = take(size(n)), *out = take(size(n));
  for (uint32_t i = 0; i < n * n; i++) a[i] = next_word(&seed);
  for (uint32_t i = 0; i < n * n; i++) b[i] = next_word(&seed);
  multiply(a, b, out, n);
  return digest(out, n * n);
}
