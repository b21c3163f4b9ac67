/**
 * How large anything in a bundle may be, in bytes; held before anything is allocated.
 * docs/bundle-format.md lists them.
 * @module
 */

const MIB = 1 << 20;

/** @typedef {typeof LIMITS} Limits */

export const LIMITS = {
  bundleBytes: 512 * MIB,
  entryBytes: 512 * MIB,
  entries: 1024,
  nameBytes: 200,
  manifestBytes: MIB,
  jsonBytes: 4 * MIB,
  jsonDepth: 32,
};
