/** The receiver: has the key, learns the sums. */
import { rlweDecrypt, rlweEncrypt, rlweSwitchKeys } from '@tallystick/kernels'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { drawKeys, freshCiphertext, hasRoom, publicKeyBytes, type OwnerKeys } from '../keys.ts'
import { pack, unpack } from '../wire.ts'
import type { messages, ReceiverOutput } from './messages.ts'
import { planOf, type Parameters, type Plan } from './plan.ts'

type Ctx = Context<typeof messages, 'receiver'>

/** The relinearisation key's second components come from the same seed, as ciphertexts from here on. */
export const firstSwitchRow = 0

function* sendKeys(ctx: Ctx, { ring }: Plan, keys: OwnerKeys, switching: OwnerKeys): Routine<void> {
  const { degree, data, moduli, plainModulus } = ring
  const plain = new BigUint64Array(degree)
  const own = yield* ctx.compute(rlweEncrypt, { degree, moduli: data, plainModulus, first: 0, rows: 1, plain, ...keys })
  const publicKey = publicKeyBytes(keys.publicSeed, pack(degree, data, own))
  for (const peer of ctx.peers) yield* ctx.send('key', publicKey, peer)
  const relinearisation = yield* ctx.compute(rlweSwitchKeys, {
    ...{ degree, moduli, plainModulus, targets: Uint32Array.of(0) },
    ...switching,
  })
  const width = moduli.length * degree
  yield* ctx.send('relinearisation', switching.publicSeed)
  for (let digit = 0; digit < data.length; digit++) {
    yield* ctx.send(
      'relinearisation',
      pack(degree, moduli, relinearisation.subarray(digit * width, (digit + 1) * width)),
    )
  }
}

/** Modulo t, in (-t/2, t/2]: the slots' sum, which no single slot tells anything about. */
const total = (slots: BigInt64Array, t: bigint): bigint => {
  let sum = 0n
  for (const slot of slots) sum += slot
  const residue = ((sum % t) + t) % t
  return residue > t >> 1n ? residue - t : residue
}

function* receiveSum(ctx: Ctx, { ring }: Plan, { secret }: OwnerKeys): Routine<bigint | undefined> {
  const { degree, data, plainModulus } = ring
  const residues = unpack(degree, data, 2, yield* ctx.receive('sums'), 'compute')
  const ciphertexts = [freshCiphertext(ring, residues)]
  const opened = yield* ctx.compute(rlweDecrypt, { degree, moduli: data, plainModulus, secret, ciphertexts })
  return hasRoom(opened) ? total(opened.integers, plainModulus) : undefined
}

export const receiver: Party<typeof messages, 'receiver', Parameters, null, ReceiverOutput> = function* (
  ctx,
  parameters,
) {
  const plan = planOf(parameters)
  const keys = drawKeys(ctx.narrow('keys').rng, plan.ring.degree)
  const switching = { ...drawKeys(ctx.narrow('switch-keys').rng, plan.ring.degree), secret: keys.secret }
  yield* sendKeys(ctx, plan, keys, switching)
  yield* ctx.checkpoint()
  const [sums, squares] = [new BigInt64Array(parameters.columns), new BigInt64Array(parameters.columns)]
  let spoiled = false
  for (let column = 0; column < parameters.columns; column++) {
    for (const totals of [sums, squares]) {
      const found = yield* receiveSum(ctx, plan, keys)
      spoiled ||= found === undefined
      totals[column] = found ?? 0n
    }
  }
  const rows = Object.values(parameters.sizes).reduce((sum, size) => sum + size, 0)
  return spoiled ? { rows, sums: null, squares: null } : { rows, sums, squares }
}
