/**
 * A program under four computing parties, one of them malicious, with abort: A. Dalskov, D. Escudero, M. Keller, "Fantastic
 * Four: Honest-Majority Four-Party Secure Computation With Malicious Security" (USENIX Security 2021, ia.cr/2020/1330), in the
 * variant with abort: joint message passing (section 2.3), shared inputs (2.4), multiplication (3.1), over Z_2^64, Z_2^128 and
 * bits. The text of a program is that of `../program.ts`; its owners and receivers compute. The fourth may be the regulator.
 *
 *     every p(i)                              p(a)                 p(b)                 p(g)                  p(h)
 *     ---------------------------------------------------------------------------------------------------------------
 *     keys (of three; a contribution each), vouch (digest of the keys that came out)
 *     share: an owner's component to two who hold it; vouch: these compare
 *     for each product and each pair {a, b}, z what the pair knows of it, s a stream that g lacks:
 *                                             product: z + s  ------------------------> component h
 *                                                                  vouch: SHA-256 ----> compares, before it goes on
 *                                             component g = -s     component g          component h = z + s   component g
 *     =========================  checkpoint: all have signed all chain heads so far  ==============================
 *                                             result ---------------------------------> a receiver
 *                                                                  resultVouch -------> compares
 *
 * Every message but a contribution to a key has two parties who know it, one of whom sends it and the other its digest, in
 * the same round; the receiver looks at it no sooner than the digests agree: until then it is `Unverified`, which nothing can
 * read. The paper checks digests of many messages at the end; a wrong component would then be computed with, and what its
 * holder sends a corrupt party could be compared with the digest of what it should have been.
 *
 * Security. Malicious with abort, one of the four; SHA-256 collision resistant, AES-128 a pseudorandom function. A deviation is
 * found before anything depends on it, and one of two named parties made it: which of the two is not known without an audit.
 * Two parties together hold everything. Leakage. Sizes, and what the program states that it opens in mid-run: such
 * openings are checked as well, but no heads were signed when they leave; whether the last unit of a truncation was rounded up
 * follows from low bits that two parties know in part each (`../semi2k/index.ts`).
 * Refusal. A receiver may learn the outputs and end the run before the next receiver has them, or refuse to sign the close.
 * Cost. A product or AND gate one round and six elements, 12 bytes and 12 bits, a party; 64 bytes of digests a call in all
 * six pairs, 192. Comparison of 64 bits 8 rounds. Truncation two rounds, 20 bytes a party. `counting.ts` is exact.
 * Constant time. But for the memory accesses of a shuffle.
 */
import { TallyError } from '@tallystick/core'
import { defineProtocol, type Cost, type Protocol, type Routine } from '@tallystick/protocol'
import { isStated } from '../leakage.ts'
import { idealOf, named, ownersOf, ownWords, type Inputs, type Program } from '../program.ts'
import { rep4 } from './backend.ts'
import { countRep4 } from './counting.ts'
import { openOutputs, shareInput, sharesByName } from './inputs.ts'
import { messages, type Messages } from './messages.ts'
import { agreeKeys, computing, partyOf, type Ctx, type Index, type Parts } from './party.ts'

export { countRep4 } from './counting.ts'
export { unverified, verified, type Unverified, type Vouching } from './unverified.ts'

export type Rep4Protocol<P, In, Out> = Protocol<
  string,
  Messages,
  P,
  Readonly<Record<string, In>>,
  Readonly<Record<string, Out | undefined>>
>

export interface Rep4Options {
  /** How many bits of each digest are compared. 256; fewer only to measure how many attacks that misses. */
  readonly insecureDigestBits?: number
}

export const rep4Program = <P, In, Out>(
  program: Program<P, In, Out>,
  { insecureDigestBits = 256 }: Rep4Options = {},
): Rep4Protocol<P, In, Out> => {
  if ((program.owners ?? []).length > 0) {
    throw new TallyError('api/misuse', 'self', 'expected a program whose owners and receivers compute, found others')
  }
  if (program.learns !== undefined || program.coins !== undefined) {
    const message = 'expected a program whose receivers all learn all outputs, and whose inputs take no coins'
    throw new TallyError('api/misuse', 'self', message)
  }
  const stated = isStated(program.leakage)

  function* party(ctx: Ctx, parameters: P, input: In): Routine<Out | undefined> {
    const index = (computing as readonly string[]).indexOf(ctx.role) as Index
    const specs = program.inputs(parameters)
    const mine = specs.filter(({ owner }) => owner === ctx.role)
    const own = mine.length === 0 ? undefined : ownWords(mine, program.encode(parameters, ctx.role, input))
    const owners = ownersOf(specs)
    const keys = yield* agreeKeys(ctx.narrow('setup'), index)
    const shared: readonly Parts[] = yield* ctx.join(
      ...owners.map((owner) => (step: Ctx): Routine<Parts> => {
        const party = partyOf(step, index, keys, `inputs/${owner}`, insecureDigestBits)
        const theirs = specs.filter((spec) => spec.owner === owner)
        return shareInput(party, step, (computing as readonly string[]).indexOf(owner), theirs, own)
      }),
    )
    const entries = owners.flatMap((owner, i) =>
      sharesByName(
        specs.filter((spec) => spec.owner === owner),
        shared[i]!,
      ),
    )
    const self = partyOf(ctx, index, keys, 'main', insecureDigestBits)
    const outputs = yield* program.compute(rep4(self, stated), parameters, Object.fromEntries(entries) as Inputs)
    yield* ctx.checkpoint()
    const last = partyOf(ctx.narrow('results'), index, keys, 'results', insecureDigestBits)
    const opened = yield* openOutputs(last, program.receivers(parameters), Object.values(outputs))
    return opened === undefined ? program.nothing : program.decode(parameters, named(Object.keys(outputs), opened))
  }

  return defineProtocol<string, Messages, P, Readonly<Record<string, In>>, Readonly<Record<string, Out | undefined>>>({
    id: program.id,
    version: program.version,
    roles: computing,
    messages,
    security: {
      adversary: 'malicious',
      corruptions: 1,
      computational: insecureDigestBits === 256 ? 128 : 0,
      statistical: insecureDigestBits === 256 ? 128 : insecureDigestBits,
      assumptions: [
        'AES-128 is a pseudorandom function, SHA-256 is collision resistant',
        'at most one of p0, p1, p2, p3 is corrupt',
      ],
      refusal: 'A receiver may learn the outputs and then end the run before another receiver has them.',
    },
    leakage: Object.fromEntries(computing.map((role) => [role, program.leakage ?? 'nothing'])),
    ...(stated && { attempts: 1 }),
    parameters: program.parameters,
    cost: (parameters): Cost => countRep4(program, parameters).cost,
    ideal(parameters, inputs) {
      const output = idealOf(program, parameters, inputs)
      const receivers = program.receivers(parameters)
      return Object.fromEntries(computing.map((role) => [role, receivers.includes(role) ? output : program.nothing]))
    },
    parties: Object.fromEntries(computing.map((role) => [role, party])),
  })
}
