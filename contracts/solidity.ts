/** What every compilation of the contracts shares, so that the tests run the code that is deployed. */
export const version = '0.8.37'

/** `paris`: consortium chains are behind; no metadata hash: the same source gives the same bytes in any folder. */
export const settings = {
  evmVersion: 'paris',
  optimizer: { enabled: true, runs: 1000 },
  metadata: { bytecodeHash: 'none', appendCBOR: false },
} as const

export const contracts = ['PartyRegistry', 'ComputationRegistry', 'Anchor'] as const
