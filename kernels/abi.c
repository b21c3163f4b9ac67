#include "homebody.h"

int32_t hb_abi_version(void) { return HB_ABI_VERSION; }

#if defined(__wasm__)

extern unsigned char __heap_base; /* set by the linker: the first byte after stack and data */
static uintptr_t next_free;

void *hb_alloc(uint32_t bytes) {
  if (next_free == 0) next_free = ((uintptr_t)&__heap_base + 63) & ~(uintptr_t)63;
  uint64_t end = (uint64_t)next_free + (((uint64_t)bytes + 63) & ~(uint64_t)63);
  uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) << 16;
  if (end > UINT32_MAX) return NULL;
  if (end > have && __builtin_wasm_memory_grow(0, (size_t)((end - have + 65535) >> 16)) == (size_t)-1)
    return NULL;
  void *memory = (void *)next_free;
  next_free = (uintptr_t)end;
  return memory;
}

void hb_reset(void) { next_free = 0; }

#endif
