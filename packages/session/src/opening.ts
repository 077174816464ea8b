/** The beginning of an attempt: agreement, commitments, joint coin, and out of them the party's private coins. */
import { fromHex, TallyError, toHex, type Hex } from '@tallystick/core'
import type { Secrets } from './attempt.ts'
import { timestamp } from './clock.ts'
import { commitment, commitmentsDigest, jointCoin, sessionSeed } from './digests.ts'
import { commitmentEvent, compareCommitments, exchange, type Connected } from './exchange.ts'
import { requireSigned, signEventWith } from './signing.ts'

export interface OpeningOptions {
  /** 32 fresh random bytes. */
  readonly entropy: () => Uint8Array
  /** Root of the commitment to the input, the same whenever it is called for one attempt. */
  readonly commitInput: (
    sessionId: Hex,
    attempt: number,
  ) => { readonly root: Uint8Array } | Promise<{ readonly root: Uint8Array }>
}

export interface Opened {
  /** Root of the party's private coins. */
  readonly seed: Uint8Array
  /** Digest of all commitments. */
  readonly commitments: Hex
}

/** Fresh for every attempt and on disk before the commitments to them leave. */
const secretsOf = async (party: Connected, { entropy, commitInput }: OpeningOptions): Promise<Secrets> => {
  const { attempt } = party
  const { root } = await commitInput(attempt.run.sessionId, attempt.run.attempt)
  const before = attempt.secrets()
  if (before !== undefined) {
    if (toHex(before.inputRoot) === toHex(root)) return before
    throw new TallyError('input/changed', 'self', 'the input is not the one that this attempt committed to', {
      remedy: 'put the input back as it was, or let the attempt expire and start a new one',
    })
  }
  const secrets: Secrets = {
    inputRoot: Uint8Array.from(root),
    inputNonce: entropy(),
    seed: entropy(),
    seedNonce: entropy(),
    coin: entropy(),
    coinNonce: entropy(),
  }
  attempt.put('secrets', { ...secrets })
  return secrets
}

/**
 * Agreement and commitments of all, signed, exchanged and synced; only then the coin shares. Whoever opens its share
 * last can still refuse to: the coin is unbiased but for aborts, which are signed, counted and limited.
 */
export const openAttemptWith = async (party: Connected, options: OpeningOptions): Promise<Opened> => {
  const { terms, role, signer, clock, attempt } = party
  const { run } = attempt
  const milliseconds = terms.deadlines.handshake * 1000
  const agreement = { kind: 'Agreement', specHash: run.specHash } as const
  await exchange(
    party,
    'agreement',
    milliseconds,
    async () => ({ signature: await signEventWith(signer, terms, agreement), at: timestamp(clock) }),
    (peer, { signature }) => requireSigned(terms, peer, agreement, signature),
  )

  const secrets = await secretsOf(party, options)
  const commitments = await exchange(
    party,
    'commitment',
    milliseconds,
    async () => {
      const values = {
        role,
        input: commitment('input', run, role, secrets.inputRoot, secrets.inputNonce),
        seed: commitment('seed', run, role, secrets.seed, secrets.seedNonce),
        coin: commitment('coin', run, role, secrets.coin, secrets.coinNonce),
      }
      const signature = await signEventWith(signer, terms, commitmentEvent(terms, attempt, values))
      const { input, seed, coin } = values
      return { input, seed, coin, signature, at: timestamp(clock) }
    },
    (peer, body) =>
      requireSigned(terms, peer, commitmentEvent(terms, attempt, { ...body, role: peer }), body.signature),
  )

  const coins = await exchange(
    party,
    'coin',
    milliseconds,
    () =>
      Promise.resolve({
        share: toHex(secrets.coin),
        nonce: toHex(secrets.coinNonce),
        commitments: commitments.map(({ role: of, input, seed, coin, signature }) => ({
          role: of,
          input,
          seed,
          coin,
          signature,
        })),
      }),
    (peer, body) => {
      compareCommitments(party, commitments, peer, body.commitments)
      const promised = commitments.find((c) => c.role === peer)!.coin
      if (commitment('coin', run, peer, fromHex(body.share, 32), fromHex(body.nonce, 32)) === promised) return
      const message = `the coin share that ${peer} opened is not the one that it committed to`
      throw new TallyError('session/commitment-mismatch', { peer }, message)
    },
  )
  const coin = jointCoin(
    run,
    coins.map(({ share }) => fromHex(share, 32)),
  )
  return { seed: sessionSeed(secrets.seed, coin, run, role), commitments: commitmentsDigest(commitments) }
}
