/** Published vectors of RFC 7748 section 5.2 and RFC 9380 appendix J.4.1 (u-coordinates, big-endian hex there). */
export const hashToCurve = {
  dst: 'QUUX-V01-CS02-with-curve25519_XMD:SHA-512_ELL2_RO_',
  rows: [
    ['', '2de3780abb67e861289f5749d16d3e217ffa722192d16bbd9d1bfb9d112b98c0'],
    ['abc', '2b4419f1f2d48f5872de692b0aca72cc7b0a60915dd70bde432e826b6abc526d'],
    ['abcdef0123456789', '68ca1ea5a6acf4e9956daa101709b1eee6c1bb0df1de3b90d4602382a104c036'],
    [`q128_${'q'.repeat(128)}`, '096e9c8bae6c06b554c1ee69383bb0e82267e064236b3a30608d4ed20b73ac5a'],
    [`a512_${'a'.repeat(512)}`, '1bc61845a138e912f047b5e70ba9606ba2a447a4dade024c8ef3dd42b7bbc5fe'],
  ],
} as const

/** Scalars before clamping. */
export const x25519 = [
  {
    scalar: 'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    u: 'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    product: 'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  },
  {
    // The published u has the top bit set, which RFC 7748 masks and these kernels refuse; here it is cleared.
    scalar: '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    u: 'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a413',
    product: '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  },
] as const

/** k = u = 9; repeat (k, u) = (X25519(k, u), k). */
export const iterated = {
  1: '422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079',
  1000: '684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51',
} as const
