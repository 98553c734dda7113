// Fibonacci numbers, modulo 2^64: calls, or a loop.
#include "abi.h"

// fib(n) takes about 1.6^n calls.
EXPORT(fib) uint64_t fib(uint32_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

// fib_loop(n) is the same number after n additions.
EXPORT(fib_loop) uint64_t fib_loop(uint32_t n) {
  uint64_t a = 0, b = 1;
  for (; n > 0; n--) {
    uint64_t c = a + b;
    a = b;
    b = c;
  }
  return a;
}
