/** Every call of the backend equals plain arithmetic, edges included, and costs what is counted. */
import { wasmEngine } from '@tallystick/kernels/engine'
import type { Routine } from '@tallystick/protocol'
import { describe, expect, it } from 'vitest'
import {
  addBits,
  allBits,
  clear,
  clearBackend,
  clearShare,
  clearWords,
  isNegative,
  numbersOfWords,
  runClear,
  type Arithmetic,
  type Backend,
} from '@tallystick/mpc'
import { bitsOf, integers, runShared, shared } from './harness.ts'

const edges = [
  0n,
  1n,
  -1n,
  2n,
  3n,
  -7n,
  2n ** 31n,
  2n ** 32n - 1n,
  -(2n ** 32n),
  2n ** 61n,
  -(2n ** 62n) + 1n,
  2n ** 62n - 1n,
]
const extremes = [...edges, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 62n, -(2n ** 62n)]
const wide = [...extremes, 2n ** 64n, -(2n ** 100n), 2n ** 125n, 2n ** 126n - 1n, -(2n ** 126n) + 1n]
const mixed = (values: readonly bigint[]) => values.map((_, i) => values[(i * 7 + 3) % values.length]!)

const exact = (run: ReturnType<typeof runShared>) => expect({ rounds: run.rounds, bytes: run.bytes }).toEqual(run.cost)

describe.each([64, 128] as const)('over Z_2^%i', (ring) => {
  const values = ring === 64 ? extremes : wide
  const others = mixed(values)
  const modulus = (x: bigint): bigint => BigInt.asIntN(ring, x)
  const inputs = { x: shared(values, ring), y: shared(others, ring), z: shared([5n], ring) }

  it('adds, subtracts, scales and sums as integers do', () => {
    // oxlint-disable-next-line require-yield -- nothing here needs a message
    const run = runShared(inputs, function* (b, { x, y, z }) {
      return {
        sum: b.add(x!, y!),
        difference: b.subtract(x!, y!),
        negative: b.negate(x!),
        broadcast: b.subtract(z!, x!),
        scaled: b.scale(x!, shared([-3n], ring).words),
        pairwise: b.scale(x!, shared(others, ring).words),
        shifted: b.shift(x!, shared(others, ring).words),
        total: b.sum(x!, values.length),
        prefix: b.prefixSum(x!),
        picked: b.gather(x!, Uint32Array.of(3, 0, 3)),
        joined: b.concat(b.slice(x!, 1, 3), z!),
        public: b.constant(ring, shared(others, ring).words),
      }
    })
    const of = (name: string) => integers(run, name, ring)
    expect(of('sum')).toEqual(values.map((x, i) => modulus(x + others[i]!)))
    expect(of('difference')).toEqual(values.map((x, i) => modulus(x - others[i]!)))
    expect(of('negative')).toEqual(values.map((x) => modulus(-x)))
    expect(of('broadcast')).toEqual(values.map((x) => modulus(5n - x)))
    expect(of('scaled')).toEqual(values.map((x) => modulus(-3n * x)))
    expect(of('pairwise')).toEqual(values.map((x, i) => modulus(x * others[i]!)))
    expect(of('shifted')).toEqual(values.map((x, i) => modulus(x + others[i]!)))
    expect(of('total')).toEqual([modulus(values.reduce((sum, x) => sum + x))])
    expect(of('prefix')).toEqual(values.map((_, i) => modulus(values.slice(0, i + 1).reduce((sum, x) => sum + x))))
    expect(of('picked')).toEqual([values[3], values[0], values[3]])
    expect(of('joined')).toEqual([values[1], values[2], 5n])
    expect(of('public')).toEqual(others)
    exact(run)
  })

  it('multiplies elements and matrices', () => {
    const run = runShared(inputs, function* (b, { x, y, z }) {
      const n = values.length
      return {
        product: yield* b.multiply(x!, y!),
        broadcast: yield* b.multiply(z!, x!),
        dot: yield* b.matrixProduct(x!, y!, { rows: 1, inner: n, columns: 1 }),
        outer: yield* b.matrixProduct(x!, y!, { rows: n, inner: 1, columns: n }),
        matrix: yield* b.matrixProduct(b.slice(x!, 0, 6), b.slice(y!, 0, 8), { rows: 3, inner: 2, columns: 4 }),
        gram: yield* b.matrixProduct(b.slice(x!, 0, 6), b.slice(x!, 0, 6), {
          rows: 2,
          inner: 3,
          columns: 2,
          transposed: true,
        }),
        opened: b.constant(ring, yield* b.reveal(x!)),
      }
    })
    const of = (name: string) => integers(run, name, ring)
    expect(of('product')).toEqual(values.map((x, i) => modulus(x * others[i]!)))
    expect(of('broadcast')).toEqual(values.map((x) => modulus(5n * x)))
    expect(of('dot')).toEqual([modulus(values.reduce((sum, x, i) => sum + x * others[i]!, 0n))])
    expect(of('outer')).toEqual(values.flatMap((x) => others.map((y) => modulus(x * y))))
    const cell = (r: number, c: number) => modulus(values[2 * r]! * others[c]! + values[2 * r + 1]! * others[4 + c]!)
    expect(of('matrix')).toEqual([0, 1, 2].flatMap((r) => [0, 1, 2, 3].map((c) => cell(r, c))))
    const gram = (r: number, c: number) =>
      modulus([0, 1, 2].reduce((sum, k) => sum + values[3 * r + k]! * values[3 * c + k]!, 0n))
    expect(of('gram')).toEqual([gram(0, 0), gram(0, 1), gram(1, 0), gram(1, 1)])
    if (ring === 64) expect(of('opened')).toEqual(values)
    exact(run)
  })

  it.each([0, 1, 13, 32, ring - 40, ring - 2])('truncates by %i bits to the floor or one more', (by) => {
    const within = values.filter((x) => x < 2n ** BigInt(ring - 2) && x > -(2n ** BigInt(ring - 2)))
    const run = runShared({ x: shared(within, ring), one: shared([1n], ring) }, function* (b, { x, one }) {
      return {
        truncated: yield* b.truncate(x!, by),
        product: yield* b.multiplyTruncate(x!, one!, by),
        dot: yield* b.matrixProductTruncate(x!, one!, { rows: within.length, inner: 1, columns: 1 }, by),
      }
    })
    for (const name of ['truncated', 'product', 'dot']) {
      integers(run, name, ring).forEach((found, i) => {
        const floor = within[i]! >> BigInt(by)
        expect([floor, ...(by > 0 ? [floor + 1n] : [])], `${name} of ${within[i]!}`).toContain(found)
      })
    }
    exact(run)
  })

  it('turns integers to bits, adds them there, and turns them back', () => {
    const run = runShared(inputs, function* (b, { x, y }) {
      const [u, v] = yield* b.summands(x!)
      const [s, t] = yield* b.summands(y!)
      const [left, right] = [yield* addBits(b, u, v), yield* addBits(b, s, t)]
      const negative = yield* isNegative(b, x!)
      return {
        back: yield* b.compose(left, ring),
        sum: yield* b.compose(yield* addBits(b, left, right), ring),
        negative,
        injected: yield* b.inject(negative, ring),
        opened: b.constantBits(1, values.length, yield* b.revealBits(negative)),
        ones: yield* allBits(b, b.not(left)),
        and: yield* b.compose(yield* b.and(left, right), ring),
        narrow: yield* b.compose(b.planes(left, [1, 0, 2]), ring),
      }
    })
    const of = (name: string) => integers(run, name, ring)
    const unsigned = (x: bigint) => BigInt.asUintN(ring, x)
    expect(of('back')).toEqual(values)
    expect(of('sum')).toEqual(values.map((x, i) => modulus(x + others[i]!)))
    const negative = values.map((x) => Number(x < 0n))
    expect(bitsOf(run.opened['negative']!, values.length)).toEqual(negative)
    expect(bitsOf(run.opened['opened']!, values.length)).toEqual(negative)
    expect(of('injected')).toEqual(negative.map(BigInt))
    expect(bitsOf(run.opened['ones']!, values.length)).toEqual(values.map((x) => Number(x === 0n)))
    expect(of('and')).toEqual(values.map((x, i) => modulus(unsigned(x) & unsigned(others[i]!))))
    expect(of('narrow')).toEqual(values.map((x) => ((x >> 1n) & 1n) + 2n * (x & 1n) + (x & 4n)))
    exact(run)
  })
})

describe('over both rings', () => {
  it('truncates a sum of products once, and weighs vectors', () => {
    const x = [5, -7, 100, 3, 2, -1]
    const y = [11, 13, -17, 19, 23, 29]
    for (const ring of [64, 128] as const) {
      const run = runShared({ x: shared(x, ring), y: shared(y, ring) }, function* (b, { x, y }) {
        const sums = yield* b.multiplyTruncate(x!, y!, 2, 3)
        return { sums, weighed: b.weigh(x!, shared([2, -1, 2 ** 40], ring).words) }
      })
      const sum = (i: number) => (x[i]! * y[i]! + x[i + 2]! * y[i + 2]! + x[i + 4]! * y[i + 4]!) / 4
      integers(run, 'sums', ring).forEach((found, i) => {
        expect([Math.floor(sum(i)), Math.floor(sum(i)) + 1]).toContain(Number(found))
      })
      const weighed = [0, 1].map((i) => BigInt(2 * x[i]! - x[i + 2]!) + BigInt(x[i + 4]!) * 2n ** 40n)
      expect(integers(run, 'weighed', ring)).toEqual(weighed)
      exact(run)
    }
  })

  it('refuses products of two rings, shared and in the clear', () => {
    const one = { rows: 1, inner: 2, columns: 1 }
    const products: readonly ((b: Backend, x: Arithmetic<64>, y: Arithmetic<64>) => Routine<Arithmetic>)[] = [
      (b, x, y) => b.multiply(x, y),
      (b, x, y) => b.multiplyTruncate(x, y, 1),
      (b, x, y) => b.matrixProduct(x, y, one),
      (b, x, y) => b.matrixProductTruncate(x, y, one, 1),
    ]
    const refused = expect.objectContaining({ code: 'api/misuse' })
    const [narrow, wide] = [shared([3, 4]), shared([5, 6], 128)]
    for (const product of products) {
      const run = () =>
        runShared({ x: narrow, y: wide }, function* (b, { x, y }) {
          return { product: yield* product(b, x!, y!) }
        })
      expect(run).toThrow(refused)
      const [x, y] = [clearShare(64, narrow.words), clearShare(128, wide.words)]
      expect(() => runClear(product(clearBackend, x, y as unknown as Arithmetic<64>))).toThrow(refused)
    }
  })

  it('widens exactly, and takes the low half', () => {
    const run = runShared({ x: shared(edges) }, function* (b, { x }) {
      const wide = yield* b.widen(x as Arithmetic<64>)
      return { wide, low: b.low(wide), square: yield* b.multiply(wide, wide) }
    })
    expect(integers(run, 'wide', 128)).toEqual(edges)
    expect(integers(run, 'low')).toEqual(edges)
    expect(integers(run, 'square', 128)).toEqual(edges.map((x) => BigInt.asIntN(128, x * x)))
    exact(run)
  })

  it('shuffles all columns alike, and sorts', () => {
    const n = 40
    const keys = Array.from({ length: n }, (_, i) => BigInt((i * 37) % n) - 20n)
    const payload = keys.map((k) => 1000n * k)
    const run = runShared({ k: shared(keys), p: shared(payload, 128) }, function* (b, { k, p }) {
      const [key, value] = yield* b.shuffle([k!, p!])
      const order = yield* b.order(key as Arithmetic<64>)
      return { key: key!, value: value!, sorted: b.gather(key!, order), moved: b.gather(value!, order) }
    })
    const sorted = keys.toSorted((a, b) => Number(a - b))
    expect(integers(run, 'key')).not.toEqual(keys)
    expect(integers(run, 'value', 128)).toEqual(integers(run, 'key').map((k) => 1000n * k))
    expect(integers(run, 'sorted')).toEqual(sorted)
    expect(integers(run, 'moved', 128)).toEqual(sorted.map((k) => 1000n * k))
    expect(run.rounds).toBeLessThanOrEqual(run.cost.rounds)
    expect(run.bytes).toBeLessThanOrEqual(run.cost.bytes)
  })

  it('runs branches side by side in the rounds of the longest', () => {
    const run = runShared({ x: shared(edges) }, function* (b, { x }) {
      const [square, bits] = yield* b.join(
        (branch) => branch.multiply(x!, x!),
        (branch) => isNegative(branch, x!),
      )
      return { square, bits, again: yield* b.multiply(x!, square) }
    })
    expect(integers(run, 'square')).toEqual(edges.map((x) => BigInt.asIntN(64, x * x)))
    expect(integers(run, 'again')).toEqual(edges.map((x) => BigInt.asIntN(64, x * x * x)))
    expect(bitsOf(run.opened['bits']!, edges.length)).toEqual(edges.map((x) => Number(x < 0n)))
    exact(run)
  })

  it('says the same in the clear', () => {
    const program = function* (b: Backend, _: null, { x }: { x: Arithmetic<64> }) {
      const negative = yield* isNegative(b, x)
      return { negative, bit: yield* b.inject(negative, 64), shifted: yield* b.truncate(x, 4) }
    }
    const out = clear(program, null, { x: clearShare(64, shared(edges).words) })
    expect(bitsOf(clearWords(out.negative), edges.length)).toEqual(edges.map((x) => Number(x < 0n)))
    expect(clearWords(out.shifted)).toEqual(shared(edges.map((x) => x >> 4n)).words)
  })

  it('sends large vectors in chunks, both ways at once', async () => {
    const n = 270_000
    const values = Array.from({ length: n }, (_, i) => i - 1000)
    const run = runShared(
      { x: shared(values) },
      function* (b, { x }) {
        const square = yield* b.multiply(x!, x!)
        const negative = yield* isNegative(b, x!, 20)
        const [shuffled] = yield* b.shuffle([square])
        const third = yield* b.truncate(x!, 3)
        return { square, negative, total: b.sum(shuffled!, n), third, product: yield* b.multiplyTruncate(x!, x!, 4) }
      },
      await wasmEngine(),
    )
    const numbers = (name: string) => numbersOfWords(64, run.opened[name]!, 0)
    expect(numbers('square').every((v, i) => v === values[i]! ** 2)).toBe(true)
    expect(numbers('total')[0]).toBe(values.reduce((sum, x) => sum + x * x, 0))
    expect(bitsOf(run.opened['negative']!, n).every((bit, i) => bit === Number(values[i]! < 0))).toBe(true)
    const near = (v: number, exact: number) => v === Math.floor(exact) || v === Math.floor(exact) + 1
    expect(numbers('third').every((v, i) => near(v, values[i]! / 8))).toBe(true)
    expect(numbers('product').every((v, i) => near(v, values[i]! ** 2 / 16))).toBe(true)
    exact(run)
  })
})
