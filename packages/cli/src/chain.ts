/** `chain.json`: where the contracts are, and the account that pays. */
import type { Deployment } from '@tallystick/attestation/ledger'
import type { Hex } from '@tallystick/core'
import { z } from 'zod'
import { readFormat } from './declaration.ts'

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`))])

export const chainFormat = 'tallystick/chain/1'

const chain = z.strictObject({
  format: z.literal(chainFormat),
  rpcUrl: z.url(),
  deployment: z.strictObject({
    domain: hex(32),
    chainId: z.int().min(0),
    partyRegistry: hex(20),
    computationRegistry: hex(20),
    anchor: hex(20),
    block: z.int().min(0),
    ticksPerSecond: z.int().min(1),
  }) satisfies z.ZodType<Deployment>,
  /** Private keys that pay for transactions, by party index; the last one stands for all further parties. */
  accounts: z.array(hex(32)).optional(),
  /** Private key of the account that may enter parties into the registry. */
  registrar: hex(32).optional(),
})

export type ChainFile = z.infer<typeof chain>

export const readChain = (path: string): Promise<ChainFile> =>
  readFormat(path, chain, 'the addresses of a chain', 'tally chain start')

export const accountOf = ({ accounts }: ChainFile, party: number): Hex | undefined =>
  accounts === undefined ? undefined : accounts[Math.min(party, accounts.length - 1)]
