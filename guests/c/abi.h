// What every guest here shares: the canonical ABI for lists and strings, without a C library.
//
// A task is one call in a fresh memory, so memory is handed out and never taken back. A guest that is given what it cannot
// use traps. No guest computes with floats.
//
// https://github.com/WebAssembly/component-model/blob/main/design/mvp/CanonicalABI.md
#pragma once
#include <stddef.h>
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

typedef struct {
  uint8_t *ptr;
  uint32_t len;
} bytes;

extern uint8_t __heap_base; // set by the linker: the first byte behind data and stack

// take returns size bytes that nobody else has. They are zero and aligned to eight.
static void *take(uint64_t size) {
  static uintptr_t next = (uintptr_t)&__heap_base;
  uint64_t at = ((uint64_t)next + 7) & ~(uint64_t)7;
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) << 16;
  if (size > UINT32_MAX) __builtin_trap();
  if (at + size > have && __builtin_wasm_memory_grow(0, (at + size - have + 0xffff) >> 16) == SIZE_MAX) __builtin_trap();
  next = at + size;
  return (void *)(uintptr_t)at;
}

// give is what a function returns whose result is a list or string.
static inline bytes *give(void *ptr, uint32_t len) {
  static bytes result;
  result = (bytes){ptr, len};
  return &result;
}

EXPORT(cabi_realloc) void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  if (size <= old_size) return old;
  if (align > 8) __builtin_trap();
  uint8_t *p = take(size);
  for (size_t i = 0; i < old_size; i++) p[i] = ((uint8_t *)old)[i];
  return p;
}
