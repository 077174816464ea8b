/** The three roles run the same text. */
import { TallyError } from '@tallystick/core'
import type { Context, Party, Routine } from '@tallystick/protocol'
import { crossTerms } from './kernels.ts'
import { checkInput, roles, type Input, type messages, type Output, type Parameters } from './messages.ts'
import type { Role, Share } from './messages.ts'
import { zeroCorrelation } from './zero.ts'

type Ctx = Context<typeof messages, Role>

/** The party `by` places after `role` on the ring. */
const neighbour = (role: Role, by: number): Role => roles[(roles.indexOf(role) + by + 3) % 3]!

const requireLength = (peer: Role, words: Uint32Array, length: number): Uint32Array => {
  if (words.length === length) return words
  const message = `expected a vector of ${length} elements from ${peer}, found ${words.length}`
  throw new TallyError('peer/misbehaved', { peer }, message, { remedy: `ask ${peer} which software it runs` })
}

/** One round, one element a party and product: a share of the products. */
function* multiply(ctx: Ctx, x: Share, y: Share, zero: Uint32Array): Routine<Share> {
  const own = yield* ctx.compute(crossTerms, { x, y, zero })
  yield* ctx.send('product', own, neighbour(ctx.role, -1))
  const from = neighbour(ctx.role, 1)
  return { own, next: requireLength(from, yield* ctx.receive('product', from), own.length) }
}

/** One round: everybody gets the one share that it lacks. */
function* open(ctx: Ctx, { own, next }: Share): Routine<Uint32Array> {
  yield* ctx.send('share', own, neighbour(ctx.role, 1))
  const from = neighbour(ctx.role, -1)
  const previous = requireLength(from, yield* ctx.receive('share', from), own.length)
  return own.map((word, i) => word + next[i]! + previous[i]!)
}

export const party: Party<typeof messages, Role, Parameters, Input, Output> = function* (ctx, parameters, input) {
  const { products, length } = parameters
  checkInput(input, parameters)
  const zeros = new Uint32Array(new Uint8Array(yield* ctx.reserve(zeroCorrelation, products * length)).buffer)
  const shares = yield* ctx.join(
    ...input.left.map(
      (x, i) => (branch: Ctx) => multiply(branch, x, input.right[i]!, zeros.subarray(i * length, (i + 1) * length)),
    ),
  )
  yield* ctx.checkpoint()
  return { products: yield* ctx.join(...shares.map((share) => (branch: Ctx) => open(branch, share))) }
}
