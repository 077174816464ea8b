/**
 * A program over additive shares, x = x_0 + … + x_(n-1) over Z_2^64, Z_2^128 or bits: two or more parties p0, p1 … compute,
 * any owners besides. Triples: D. Beaver, "Efficient multiparty protocols using circuit randomization" (CRYPTO 1991),
 * protocol of section 3; over Z_2^k as the semi-honest part of SPDZ2k (R. Cramer, I. Damgård, D. Escudero, P. Scholl,
 * C. Xing, CRYPTO 2018, ia.cr/2018/482, figure 5), without its MACs. The text of a program is that of `../program.ts`.
 *
 *     helper                          p(i)                                      every other p(j)
 *     ------------------------------------------------------------------------------------------------
 *     key  <----------------------->  key (one contribution a side)
 *                                     key, seed or share of inputs  <------->  key, seed or share of inputs
 *     for each product, from key streams a_i, b_i, c_i of every party:
 *     deal: ab - sum of other c  -->  (to one party, in turn)
 *                                     masked: x_i - a_i, y_i - b_i  <------->  masked
 *                                     z_i = c_i + d b_i + e a_i (+ d e at p0), d = x - a, e = y - b
 *     truncation, bits, comparisons: pair.ts (two parties), many.ts (more); shuffle: shuffle.ts
 *     ======================  checkpoint: all have signed all chain heads so far  ==============
 *                                     result: z_i  ------------------------->  to each receiver
 *
 * Where the triples come from is in the terms:
 * - `helper`: a role of its own, which brings and receives nothing. It is sent contributions to keys and, where a program
 *   sorts, how many comparisons each level has (of shuffled keys, in an order that it does not know); no share and no masked
 *   value. It knows all masks: together with any computing party, or with the traffic between two, it knows everything.
 * - `transfers`: two parties and nobody else; oblivious transfers (`@tallystick/ot`, its assumptions). Z_2^64 and bits only:
 *   products and truncations over Z_2^128 and shuffles are refused (terms/unsupported). Branches of a join run in turn.
 * - `bgv`: two parties and nobody else. Ring products from ciphertexts of Brakerski, Gentry, Vaikuntanathan (ia.cr/2011/277),
 *   each party under a key of its own that lives for the run; bits from transfers, which are opened only where a program
 *   uses bits. Z_2^64 and Z_2^128; shuffles are refused. Branches of a join run in turn.
 *
 *         encrypts (p0, p1, p0 … tile by tile)                    the other one
 *         ----------------------------------------------------------------------------------------
 *         publicKey, before the first of its kind  --------->
 *         ciphertexts: Enc(a), Enc(b)              --------->     Enc(a) b' + Enc(b) a' + r, flood of noise, two primes
 *         a b' + b a' + r                          <---------     answers; its share is -r
 *     Products of matrices need no triples: either party sends its share of one factor encrypted, gets back the product with
 *     the other's share of the other factor, masked, and adds what it can multiply itself (`../bgv/matrices.ts`, `inner.ts`).
 * - `insecure-first-party-deals`: p0 is the dealer. That is no protection from p0, who knows all masks and so reads every
 *   value from what it is sent: for tests and for parties who trust p0 with everything anyway.
 *
 * Security. Semi-honest. With a helper: against any n - 1 of the n computing parties, or against the helper; not against
 * the helper and one more. With transfers: against either party. With ciphertexts: against either party. Who encrypts is
 * hidden by ring learning with errors (128 bits, `../bgv/parameters.ts`); of who answers, answers tell less than 2^-40 in
 * statistical distance over a whole run, by worst-case bounds of masks in slots and of noise under its flood, and a program
 * that would tell more is refused (terms/unsupported). Keys, ciphertexts and answers with residues above their primes end the
 * run, and so does noise beyond the bound: what an honest peer sends is never decrypted to a wrong number. AES-128 is a
 * pseudorandom function. An active party can add errors to any value unseen; with ciphertexts it can also answer with noise
 * that it chose, and learn a bit about a key of that run from whether the run goes on. Only the audit by replay finds either.
 * Leakage. As for `rep3`: sizes, and what the program states that it opens in mid-run; whether the last unit of a truncation
 * was rounded up is decided by the low bits of a share or mask that the parties know in part, so that an output with that
 * unit tells a party which of two halves of an interval as long as 2 units the number was in.
 * Refusal. A receiver may learn the outputs and withhold what the next receiver lacks, or refuse to sign the close.
 * Cost. `counting.ts`: exact, or a bound for sorts. A product: one round, 16 bytes from each party to each other one, 8 from
 * the helper to one of them; an AND gate 2 bits and 1; with two parties a comparison of 64 bits 7 rounds, 46 bytes and 23, a
 * truncation one round, 1 bit and as many as are cut off. With transfers 1088 bytes a product and 8 an AND gate more; with
 * ciphertexts 300 a product (525 over Z_2^128) in tiles of 8192, of which none is begun before the last is used up.
 * Constant time. But for the memory accesses of a shuffle. Of ciphertexts, what a peer sent is checked with branches on it.
 */
import { openTransfers } from '@tallystick/ot'
import { TallyError } from '@tallystick/core'
import { defineProtocol, type Cost, type Party as Role, type Protocol, type Routine } from '@tallystick/protocol'
import { isStated } from '../leakage.ts'
import { encoded, idealByRole, learnsOf, named, ownersOf, ownWords, type Inputs, type Program } from '../program.ts'
import { sessionOf } from '../bgv/session.ts'
import type { InputSpec } from '../rep3/inputs.ts'
import { wordsOfShape } from '../rep3/outputs.ts'
import type { Words } from '../backend.ts'
import { arithmetic } from './party.ts'
import { semi2k } from './backend.ts'
import { countSemi2k, opensTransfers } from './counting.ts'
import { give, openTo, receiveOutputs, sharesByName, take } from './inputs.ts'
import { messages, type Messages } from './messages.ts'
import {
  agreeKeys,
  computingOf,
  dealerless,
  helper,
  partyOf,
  sources,
  wire,
  workingOf,
  type Ctx,
  type Keys,
  type Setting,
} from './party.ts'

export type { Setting as Semi2kSetting, Triples } from './party.ts'
export { countSemi2k } from './counting.ts'

const mostParties = 8

/** @throws TallyError api/misuse for a setting that there is not */
const checkSetting = ({ parties, triples }: Setting): void => {
  const fits = Number.isInteger(parties) && parties >= 2 && parties <= (dealerless(triples) ? 2 : mostParties)
  if (fits && sources.includes(triples)) return
  const message = `expected 2 to ${mostParties} parties, 2 with oblivious transfers or BGV, found ${parties}`
  throw new TallyError('api/misuse', 'self', message)
}

/** Keys, transfers and inputs, side by side; the shares by name. */
function* begin(ctx: Ctx, setting: Setting, specs: readonly InputSpec[], own: Words, opens: boolean) {
  const { role } = ctx
  const owners = ownersOf(specs)
  const computes = computingOf(setting).includes(role)
  const steps = owners.map((owner) => ctx.narrow(`inputs/${owner}`))
  const [setup, extension] = [ctx.narrow('setup'), ctx.narrow('extension')]
  const specsOf = (owner: string) => specs.filter((spec) => spec.owner === owner)
  const peer = role === 'p0' ? 'p1' : 'p0'
  const [agreed, ...rest] = yield* ctx.join(
    () => agreeKeys(setup, setting),
    ...owners.map((owner, i) => (): Routine<Words> => {
      const mine = specsOf(owner)
      if (!computes) return noWords()
      return owner === role ? give(steps[i]!, setting, mine, own) : take(steps[i]!, setting, owner, mine)
    }),
    ...(opens ? [() => openTransfers(extension, { peer, first: role === 'p0' }) as Routine<unknown>] : []),
  )
  const transfers = opens ? { transfers: rest[owners.length] as Keys['transfers'] & {} } : {}
  const ciphertexts = setting.triples === 'bgv' ? { ciphertexts: sessionOf(agreed.alone, peer, role === 'p0') } : {}
  const keys: Keys = { ...agreed, ...transfers, ...ciphertexts }
  const entries = owners.flatMap((owner, i) =>
    computes ? sharesByName(specsOf(owner), rest[i] as Words) : shapesByName(specsOf(owner)),
  )
  return { keys, inputs: Object.fromEntries(entries) as Inputs }
}

// oxlint-disable-next-line require-yield -- the helper gets no inputs
function* noWords(): Routine<Words> {
  return new Uint32Array(0)
}

/** What the helper computes on: zeros of the right shape. */
const shapesByName = (specs: readonly InputSpec[]) =>
  specs.map(({ name, ring, length }) => [name, arithmetic(ring, new Uint32Array((ring / 32) * length))] as const)

export type Semi2kProtocol<P, In, Out> = Protocol<
  string,
  Messages,
  P,
  Readonly<Record<string, In>>,
  Readonly<Record<string, Out | undefined>>
>

const helperLeakage = (leakage: string | undefined): string =>
  isStated(leakage) ? 'how many comparisons each level of a sort of shuffled keys has' : 'nothing'

const securityOf = ({ triples, parties }: Setting) => {
  const cipher = 'AES-128 is a pseudorandom function'
  const refusal = 'A receiver may learn the outputs and then withhold what another receiver lacks, or refuse to sign.'
  const common = { adversary: 'semi-honest', statistical: 128, refusal } as const
  const ofTransfers = 'those of the oblivious transfers: X25519, fixed-key AES correlation robust'
  if (triples === 'transfers') {
    return { ...common, corruptions: 1, computational: 121, assumptions: [cipher, ofTransfers] }
  }
  if (triples === 'bgv') {
    const lattice = 'ring learning with errors (degree 8192, modulus of at most 218 bits), ChaCha20 pseudorandom'
    const assumptions = [cipher, lattice, `where bits are used, ${ofTransfers}`]
    return { ...common, statistical: 40, corruptions: 1, computational: 121, assumptions }
  }
  if (triples === 'helper') {
    const assumptions = [cipher, `the helper works with none of the ${parties} computing parties`]
    return { ...common, corruptions: 1, computational: 128, assumptions }
  }
  const assumptions = [cipher, 'INSECURE: p0 deals, knows all masks and can read every value']
  return { ...common, corruptions: 0, computational: 0, assumptions }
}

/** The program under additive shares. Its owners and receivers are among p0 … p(n-1) and its own `owners`. */
export const semi2kProgram = <P, In, Out>(
  program: Program<P, In, Out>,
  setting: Setting,
): Semi2kProtocol<P, In, Out> => {
  checkSetting(setting)
  const computing = computingOf(setting)
  const working = workingOf(setting)
  const roles = [...working, ...(program.owners ?? [])]
  const stated = isStated(program.leakage)

  function* work(ctx: Ctx, parameters: P, input: In): Routine<Out | undefined> {
    const specs = program.inputs(parameters)
    const index = computing.indexOf(ctx.role)
    const mine = specs.filter(({ owner }) => owner === ctx.role)
    const own =
      mine.length === 0 ? new Uint32Array(0) : ownWords(mine, yield* encoded(program, wire(ctx), parameters, input))
    const { keys, inputs } = yield* begin(ctx, setting, specs, own, opensTransfers(program, setting, parameters))
    const party = partyOf(ctx, setting, index, keys, 'main')
    const outputs = yield* program.compute(semi2k(party, stated), parameters, inputs)
    yield* ctx.checkpoint()
    if (index === -1) return program.nothing
    const learns = learnsOf(program, parameters)
    const names = Object.keys(outputs)
    const wanted = (receiver: string, i: number): boolean => learns(receiver, names[i]!)
    const opened = yield* openTo(party, program.receivers(parameters), Object.values(outputs), wanted)
    const mineOf = names.filter((name) => learns(ctx.role, name))
    return opened === undefined ? program.nothing : program.decode(parameters, named(mineOf, opened))
  }

  function* own(ctx: Ctx, parameters: P, input: In): Routine<Out | undefined> {
    const mine = program.inputs(parameters).filter(({ owner }) => owner === ctx.role)
    if (mine.length > 0) {
      const vectors = yield* encoded(program, wire(ctx), parameters, input)
      yield* give(ctx.narrow(`inputs/${ctx.role}`), setting, mine, ownWords(mine, vectors))
    }
    yield* ctx.checkpoint()
    if (!program.receivers(parameters).includes(ctx.role)) return program.nothing
    const { outputs } = countSemi2k(program, setting, parameters)
    const learns = learnsOf(program, parameters)
    const mineOf = outputs.filter(([name]) => learns(ctx.role, name))
    const shapes = mineOf.map(([, shape]) => shape)
    const largest = outputs.reduce((sum, [, shape]) => sum + wordsOfShape(shape), 0)
    const opened = yield* receiveOutputs(ctx, setting, shapes, largest)
    const names = mineOf.map(([name]) => name)
    return program.decode(parameters, named(names, opened))
  }

  const party: Role<Messages, string, P, In, Out | undefined> = (ctx, parameters, input) =>
    working.includes(ctx.role) ? work(ctx, parameters, input) : own(ctx, parameters, input)

  return defineProtocol<string, Messages, P, Readonly<Record<string, In>>, Readonly<Record<string, Out | undefined>>>({
    id: program.id,
    version: program.version,
    roles,
    messages,
    security: securityOf(setting),
    leakage: Object.fromEntries(
      roles.map((role) => {
        if (computing.includes(role)) return [role, program.leakage ?? 'nothing']
        return [role, role === helper ? helperLeakage(program.leakage) : 'nothing']
      }),
    ),
    ...(stated && { attempts: 1 }),
    parameters: program.parameters,
    cost: (parameters): Cost => countSemi2k(program, setting, parameters).cost,
    ideal: (parameters, inputs) => idealByRole(program, roles, parameters, inputs),
    parties: Object.fromEntries(roles.map((role) => [role, party])),
  })
}
