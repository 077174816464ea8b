/**
 * An agreed program over the encrypted columns of several owners: encrypted under the receiver's key, evaluated by a party
 * that cannot read them. BGV (Brakerski, Gentry, Vaikuntanathan, ia.cr/2011/277), packed a row a slot (Smart, Vercauteren,
 * ia.cr/2011/133), in as many plain moduli as the numbers need. What the operators are is in `../operators`, rings and
 * noise in `../plan`.
 *
 *     receiver (key s)              compute                         owner-1 … owner-k (columns)
 *     ------------------------------------------------------------------------------------------
 *     key        ------------------>   --------------------------->
 *     switching  ------------------>
 *                                      <--------------------------- values: Enc(x), a tile of a column a frame
 *                                   program over ciphertexts
 *     =================  checkpoint: all have signed all chain heads so far  =====================
 *                <------------------ results + Enc(mask), flooded
 *     outputs
 *
 * Security. Against one semi-honest party: the compute party and each owner see encryptions under a key they do not have
 * (IND-CPA of BGV, 128 bits by the tables of HomomorphicEncryption.org); switching keys encrypt functions of the secret
 * under the secret, so this assumes circular security. The receiver sees its outputs, within 2^-40: totals come as a
 * uniform sharing of themselves over all slots, slots beyond the rows are uniform, and the noise, which depends on what
 * was computed from what, is flooded (Gentry 2009, section 2.4 of the thesis; the bound is that of `../plan/exact.ts`).
 * With a `precision` in the terms results may be approximate (CKKS, Cheon, Kim, Kim, Song, ia.cr/2016/421): the plan clears
 * slots beyond the outputs, who computes floods for the rows' sake and the receiver for its key's, before it decrypts, so
 * that results may be told to anybody, who computes included (ia.cr/2020/1533, ia.cr/2011/613; `../plan/approximate.ts`);
 * they are the program's over columns as the encoder rounds them. The
 * receiver and the compute party together read every row: they must not collude, and no auditor may be shown the evidence
 * of both. An owner may enter values out of range, whose results are then any number; replay of its evidence shows it, as
 * it shows a compute party that ran another program.
 * Leakage. Rows, columns, ranges and the program (they stand in the terms). What the outputs tell of the rows is the
 * program's affair: a variance tells a variance, but two programs over the same rows tell their difference too.
 * Cost. 3 rounds: keys, values, results; `tally encrypted terms --explain` prints bytes and seconds.
 * Constant time. As `homomorphic/scoring`: encryption is, encoding and decryption are not.
 */
import { defineProtocol, type Protocol } from '@tallystick/protocol'
import { computeInClear } from '../operators/clear.ts'
import { keyCoins, keyFrameBytes } from '../operators/keys.ts'
import { encryptionCoins, inputFrameBytes, maskCoins, openingCoins, resultFrameBytes } from '../operators/run.ts'
import { columnsFrom, compute, messages, owner, receiver, type OwnerInput, type ReceiverOutput } from './parties.ts'
import { ownerOf, parserFor, programPlan, type Parameters } from './plan.ts'

export type { OwnerInput, ReceiverOutput } from './parties.ts'
export { programPlan, type Parameters } from './plan.ts'

type Inputs = { receiver: null; compute: null } & Record<string, OwnerInput | null>
type Outputs = { receiver: ReceiverOutput; compute: null } & Record<string, ReceiverOutput | null>

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

/** Bytes that each role sends. */
export const bytesOf = (owners: readonly string[], parameters: Parameters) => {
  const plan = programPlan(parameters)
  const keys = plan.rings.map((ring) => {
    const [seeds, publicKey, ...switching] = keyFrameBytes(ring, plan.targets.length)
    return (owners.length + 1) * (seeds! + publicKey!) + sum(switching)
  })
  const inputs = (name: string): number =>
    plan.inputs.filter((input) => ownerOf(parameters, input.name) === name).length
  const frame = sum(plan.rings.map((ring) => inputFrameBytes(plan, ring)))
  return {
    receiver: sum(keys),
    compute: sum(plan.rings.map((ring) => sum(plan.tiles.map((tile) => resultFrameBytes(ring, tile))))),
    ...Object.fromEntries(owners.map((name) => [name, inputs(name) * frame])),
  }
}

const costFor = (owners: readonly string[]) => (parameters: Parameters) => {
  const plan = programPlan(parameters)
  const drawn = owners.map((name): [string, number] => {
    const own = plan.inputs.filter((input) => ownerOf(parameters, input.name) === name).length
    return [name, encryptionCoins * own * plan.rings.length]
  })
  return {
    rounds: 3,
    bytes: sum(Object.values(bytesOf(owners, parameters))),
    coins: {
      ...Object.fromEntries(drawn),
      receiver: keyCoins(plan) + openingCoins(plan),
      compute: sum(plan.rings.map((ring) => maskCoins(plan, ring))),
    },
    correlations: {},
  }
}

/** The protocol for 1 to 4 owners: `homomorphic/evaluate-k`, with the roles receiver, compute, owner-1 … owner-k. */
export const evaluateOf = (count: number): Protocol<string, typeof messages, Parameters, Inputs, Outputs> => {
  const id = `homomorphic/evaluate-${count}`
  const owners = Array.from({ length: count }, (_, i) => `owner-${i + 1}`)
  const named = <T>(value: T): Record<string, T> => Object.fromEntries(owners.map((name) => [name, value]))
  const public_ = 'rows, columns, ranges and the program (they stand in the terms)'
  return defineProtocol<string, typeof messages, Parameters, Inputs, Outputs>({
    id,
    version: 1,
    roles: ['receiver', 'compute', ...owners],
    receivers: ['receiver'],
    messages,
    security: {
      adversary: 'semi-honest',
      corruptions: 1,
      computational: 128,
      statistical: 40,
      assumptions: [
        'decisional ring learning with errors, uniform ternary secret, as HomomorphicEncryption.org estimates it',
        'circular security: switching keys encrypt functions of the secret under the secret',
        'the receiver and the compute party do not collude',
      ],
      refusal:
        'The receiver may learn the outputs and then refuse to sign the close; the others keep the checkpoint that all signed.',
    },
    leakage: { receiver: public_, compute: public_, ...named(public_) },
    parameters: parserFor(id, owners),
    cost: costFor(owners),
    ideal(parameters, inputs) {
      const columns = owners.map((name) => columnsFrom(parameters, name, inputs[name]!))
      const results = computeInClear(parameters.program, Object.assign({}, ...columns))
      return { ...named(null), receiver: { results }, compute: null }
    },
    parties: { ...named(owner), receiver, compute } as never,
  })
}
