/* A checksum for files. A plain C library that knows nothing of Bulkhead. */
#ifndef CHECKSUM_H
#define CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Starts at 0; for each byte rotates the sum left by one bit, then adds the byte. */
uint32_t checksum(const uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif

#endif
