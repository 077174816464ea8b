/**
 * A Boolean circuit between two parties, one of them corrupt and semi-honest, for many instances at once: O. Goldreich,
 * S. Micali, A. Wigderson (STOC 1987) on XOR shares, AND gates with triples (Beaver, CRYPTO 1991) of a helper or of oblivious
 * transfers (`@tallystick/ot`).
 *
 *     helper, or transfers              p0                                         p1
 *     ----------------------------------------------------------------------------------------
 *     key  <--------------------------> key (one contribution a side)  <--------->  key
 *                                       seed of r, its planes being v = r ⊕ (v ⊕ r), and likewise of p1
 *     for each layer of AND gates, all gates and instances at once, (a, b, c) a triple:
 *     deal: a correction of c  -------> (to one of them, in turn; or made in shares by transfers before)
 *                                       masked: x_i ⊕ a_i, y_i ⊕ b_i  <---------->  masked
 *                                       z_i = c_i ⊕ d b_i ⊕ e a_i (⊕ d e at p0)
 *     ======================  checkpoint: all have signed all chain heads so far  ==============
 *                                       result: z_i  <--------------------------->  to who learns
 *
 * Security. Semi-honest, one of the two, or the helper; helper and one party together know everything. AES-128 is a
 * pseudorandom function; with transfers their assumptions. An active party can flip any AND gate.
 * Leakage. None: what is sent depends on the circuit and the number of instances. Refusal. A receiver may learn the outputs
 * and withhold what the other one lacks, or refuse to sign the close.
 * Cost. Rounds: 2 and one for each layer of AND gates; with transfers 3 and those of their start. Bits an AND gate and
 * instance, in planes of whole vectors of 128: 2 from each party, and 1 from the helper or 64 of transfers.
 * Constant time. All of it, as far as the engine's AES is.
 */
import { planeWords as densePlaneWords, roundsOf, type Schedule } from '@tallystick/circuits'
import { bitsExpand } from '@tallystick/kernels'
import { andCost, andShares, bitTriples, bitTriplesCost, openTransfers, transfersCost } from '@tallystick/ot'
import type { Transfers, TripleStore } from '@tallystick/ot'
import { TallyError } from '@tallystick/core'
import { defineProtocol, type Cost, type Routine } from '@tallystick/protocol'
import { planeWords } from '../backend.ts'
import { idealRows, inputBitsOf, planesOfInput, rowsOfPlanes } from '../circuit/rows.ts'
import { checkCircuitInput, circuitOfTerms, instancesOf, learns, parseCircuitParameters } from '../circuit/terms.ts'
import type { CircuitInput, CircuitOutput, CircuitParameters } from '../circuit/terms.ts'
import { openTo } from '../semi2k/inputs.ts'
import { messages, type Messages } from '../semi2k/messages.ts'
import { agreeKeys, bits, computingOf, keyCoins, partyOf, workingOf, type Ctx, type Party } from '../semi2k/party.ts'
import { multiplyParts } from '../semi2k/triples.ts'
import { seedBytes } from './inputs.ts'
import { restride } from './party.ts'
import { freeGates, gather, scatter } from './rep3.ts'

type Source = 'helper' | 'transfers'

/** Wires of a party at once, in words: 512 MiB. */
const maxStateWords = 2 ** 27
/** Triples of a run are made at once: 3 words for each of these. */
const maxTripleWords = 2 ** 25

type And = (x: Uint32Array, y: Uint32Array) => Routine<Uint32Array>

/** Shares of the planes of all inputs to those of all outputs. `ones` is -1 at p0, which adds public values. */
function* evaluate(schedule: Schedule, inputs: Uint32Array, words: number, ones: number, and: And) {
  const state = new Int32Array(schedule.slots * words)
  schedule.inputs.forEach((slot, i) => state.set(inputs.subarray(i * words, (i + 1) * words), slot * words))
  for (const { free, and: code } of schedule.layers) {
    freeGates(free, state, words, ones)
    if (code.length === 0) continue
    scatter(code, state, words, yield* and(gather(code, state, words, 0), gather(code, state, words, 1)))
  }
  const out = new Uint32Array(schedule.outputs.length * words)
  schedule.outputs.forEach((slot, i) => out.set(state.subarray(slot * words, (slot + 1) * words), i * words))
  return out
}

/** Shares of an owner's planes: the other party's come from a seed. */
function* shareBits(step: Ctx, owner: string, words: number, planes: Uint32Array | undefined): Routine<Uint32Array> {
  const expand = (seed: Uint8Array): Routine<Uint32Array> =>
    step.compute(bitsExpand, { key: seed.slice(0, 16), at: 0, words })
  if (planes === undefined) return yield* expand(yield* step.receive('seed', owner))
  const seed = step.rng.bytes(seedBytes)
  yield* step.send('seed', seed, step.role === 'p0' ? 'p1' : 'p0')
  const mask = yield* expand(seed)
  return planes.map((word, i) => word ^ mask[i]!)
}

/** Keys, transfers and inputs, side by side; this party's shares of the planes of all inputs. */
function* begin(ctx: Ctx, triples: Source, parameters: CircuitParameters, input: CircuitInput) {
  const setting = { parties: 2, triples } as const
  const instances = instancesOf(parameters)
  const words = planeWords(instances)
  const { role } = ctx
  const computes = computingOf(setting).includes(role)
  const owners = computes ? computingOf(setting).filter((other) => parameters.owners.includes(other)) : []
  const [setup, extension] = [ctx.narrow('setup'), ctx.narrow('extension')]
  const steps = owners.map((owner) => ctx.narrow(`inputs/${owner}`))
  const peer = role === 'p0' ? 'p1' : 'p0'
  const [keys, ...rest] = yield* ctx.join(
    () => agreeKeys(setup, setting),
    ...owners.map((owner, i) => (): Routine<unknown> => {
      const size = inputBitsOf(parameters, owner).length * words
      const planes = owner === role ? planesOfInput(parameters, role, input) : undefined
      return shareBits(steps[i]!, owner, size, planes && restride(planes, densePlaneWords(instances), words))
    }),
    ...(triples === 'transfers'
      ? [(): Routine<unknown> => openTransfers(extension, { peer, first: role === 'p0' })]
      : []),
  )
  const total = new Uint32Array(circuitOfTerms(parameters.circuit).schedule.inputs.length * words)
  owners.forEach((owner, i) => {
    inputBitsOf(parameters, owner).forEach((bit, plane) => {
      total.set((rest[i] as Uint32Array).subarray(plane * words, (plane + 1) * words), bit * words)
    })
  })
  const transfers = triples === 'transfers' ? (rest[owners.length] as Transfers) : undefined
  return { party: partyOf(ctx, setting, computingOf(setting).indexOf(role), keys, 'main'), total, transfers }
}

/** AND gates by the dealer's triples, or by triples that are all made before the first. */
function* andOf(party: Party, transfers: Transfers | undefined, gateWords: number): Routine<And> {
  if (transfers === undefined) return (x, y) => multiplyParts(party, 1, x, y)
  const store: TripleStore = { triples: yield* bitTriples(party.transfer(), transfers, 32 * gateWords), used: 0 }
  return (x, y) => andShares(party.transfer(), transfers, store, x, y)
}

const run = (triples: Source) =>
  function* (ctx: Ctx, parameters: CircuitParameters, input: CircuitInput): Routine<CircuitOutput> {
    const isHelper = ctx.role === 'helper'
    if (!isHelper) checkCircuitInput(input, parameters, ctx.role)
    const instances = instancesOf(parameters)
    const words = planeWords(instances)
    const { circuit, schedule } = circuitOfTerms(parameters.circuit)
    const { party, total, transfers } = yield* begin(ctx, triples, parameters, input)
    const and = yield* andOf(party, transfers, schedule.and * words)
    const out = yield* evaluate(schedule, total, words, party.index === 0 ? -1 : 0, and)
    yield* ctx.checkpoint()
    if (isHelper) return { kind: 'none' }
    const receivers = computingOf(party.setting).filter((role) => learns(parameters, role))
    const opened = yield* openTo(party, receivers, [bits(schedule.outputs.length, instances, out)])
    if (opened === undefined) return { kind: 'none' }
    const planes = restride(opened[0]!, words, densePlaneWords(instances))
    return { kind: 'values', rows: rowsOfPlanes(planes, circuit.outputs, instances) }
  }

const costOf = (triples: Source, parameters: CircuitParameters): Cost => {
  const { schedule } = circuitOfTerms(parameters.circuit)
  const words = planeWords(instancesOf(parameters))
  const setting = { parties: 2, triples } as const
  const owners = computingOf(setting).filter((role) => parameters.owners.includes(role))
  const receivers = computingOf(setting).filter((role) => learns(parameters, role)).length
  const gates = schedule.and * words
  const common =
    seedBytes * (2 + owners.length) + andCost(gates).bytes + 4 * receivers * schedule.outputs.length * words
  const coinsOf = (role: string, more: number): number =>
    keyCoins(setting, role) + (owners.includes(role) ? seedBytes : 0) + more
  const coins = (more: number) => Object.fromEntries(workingOf(setting).map((role) => [role, coinsOf(role, more)]))
  const layers = roundsOf(schedule)
  if (triples === 'helper') {
    return { rounds: 2 + layers, bytes: common + 4 * seedBytes + 4 * gates, coins: coins(0), correlations: {} }
  }
  const [start, made] = [transfersCost(), bitTriplesCost(32 * gates)]
  return {
    rounds: 1 + start.rounds + made.rounds + layers,
    bytes: common + start.bytes + made.bytes,
    coins: coins(start.coins + made.coins),
    correlations: {},
  }
}

const define = (id: string, triples: Source) => {
  const setting = { parties: 2, triples } as const
  const computing = computingOf(setting)
  const roles = workingOf(setting)
  const parseCircuit = parseCircuitParameters(id, computing)
  const parse = (value: unknown): CircuitParameters => {
    const parameters = parseCircuit(value)
    const { schedule } = circuitOfTerms(parameters.circuit)
    const words = planeWords(instancesOf(parameters))
    const made = triples === 'transfers' ? schedule.and * words : 0
    if (schedule.slots * words <= maxStateWords && made <= maxTripleWords) return parameters
    const found = `found ${schedule.slots * words} and ${made}`
    const message = `${id} parameters: expected at most ${maxStateWords} words of wires and ${maxTripleWords} of triples`
    throw new TallyError('terms/malformed', 'self', `${message}, ${found}`, {
      remedy: 'run fewer instances in one session',
    })
  }
  type Inputs = Record<string, CircuitInput>
  return defineProtocol<string, Messages, CircuitParameters, Inputs, Record<string, CircuitOutput>>({
    id,
    version: 1,
    roles,
    messages,
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: triples === 'helper' ? 128 : 121,
      statistical: 128,
      assumptions: [
        'AES-128 is a pseudorandom function',
        triples === 'helper' ? 'the helper works with neither party' : 'X25519, fixed-key AES correlation robust',
      ],
      refusal: 'A receiver may learn the outputs and then withhold what another receiver lacks, or refuse to sign.',
    },
    leakage: Object.fromEntries(roles.map((role) => [role, 'nothing'])),
    parameters: parse,
    cost: (parameters) => costOf(triples, parameters),
    ideal(parameters, inputs) {
      const rows = idealRows(parameters, inputs)
      return Object.fromEntries(
        roles.map((role) => [
          role,
          computing.includes(role) && learns(parameters, role) ? { kind: 'values', rows } : { kind: 'none' },
        ]),
      )
    },
    parties: Object.fromEntries(roles.map((role) => [role, run(triples)])),
  })
}

/** Triples from the role `helper`. */
export const semi2kCircuit = define('mpc/semi2k-circuit', 'helper')
/** Triples from oblivious transfers. */
export const semi2kCircuitTransfers = define('mpc/semi2k-circuit-ot', 'transfers')
