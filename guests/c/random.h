// Pseudo-random words for work that is given by its size alone, and a number that stands for a long result.
#pragma once
#include <stdint.h>

// next_word steps Knuth's MMIX generator (x ← 6364136223846793005 x + 1442695040888963407 modulo 2^64) and returns the upper half.
static uint32_t next_word(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return *state >> 32;
}

// digest is FNV-1a over n words: each is one unit, where FNV takes bytes.
static uint64_t digest(const uint32_t *words, uint32_t n) {
  uint64_t h = 14695981039346656037u;
  for (uint32_t i = 0; i < n; i++) h = (h ^ words[i]) * 1099511628211u;
  return h;
}
