import { TallyError } from '@tallystick/core'
import type { EvaluateInput, GarbleInput, LayersInput } from './kernels.ts'

const misuse = (message: string): TallyError => new TallyError('api/misuse', 'self', `garble: ${message}`)

export interface LayerCode {
  readonly free: Int32Array
  readonly and: Int32Array
}

/** The layers of a code. @throws TallyError api/misuse where counts and length do not fit. */
export function layersOf(code: Int32Array): readonly LayerCode[] {
  const layers: LayerCode[] = []
  for (let at = 0; at < code.length;) {
    const [free, and] = [code[at]!, code[at + 1] ?? -1]
    const middle = at + 2 + 4 * free
    const end = middle + 3 * and
    if (free < 0 || and < 0 || end > code.length) throw misuse(`expected whole layers, found ${code.length} numbers`)
    layers.push({ free: code.subarray(at + 2, middle), and: code.subarray(middle, end) })
    at = end
  }
  return layers
}

export const gatesOf = (code: Int32Array): number => layersOf(code).reduce((sum, { and }) => sum + and.length / 3, 0)

function checkSlots({ free, and }: LayerCode, slots: number): void {
  const fits = (slot: number): boolean => slot >= 0 && slot < slots
  for (let at = 0; at < free.length; at += 4) {
    const [kind, a, b, out] = free.subarray(at, at + 4) as unknown as [number, number, number, number]
    const known = kind === 0 ? fits(a) && fits(b) : kind === 2 ? fits(a) : kind === 3 && (a === 0 || a === 1)
    if (!known || !fits(out)) throw misuse(`expected free gates on ${slots} slots`)
  }
  if (!and.every(fits)) throw misuse(`expected AND gates on ${slots} slots`)
}

function checkLayers({ code, instances, labels, start, tweak, stride }: LayersInput): void {
  if (!Number.isInteger(instances) || instances < 1 || instances > 2 ** 24) {
    throw misuse(`expected 1 to 2^24 instances, found ${instances}`)
  }
  if (start.length !== 16) throw misuse(`expected a start of 16 bytes, found ${start.length}`)
  const even = (n: number): boolean => Number.isInteger(n) && n >= 0 && n % 2 === 0
  const gates = gatesOf(code)
  if (!even(tweak) || !even(stride) || (instances > 1 && stride < 2 * gates)) {
    throw misuse(`expected even tweaks that do not meet, found ${tweak} and a stride of ${stride} for ${gates} gates`)
  }
  if (tweak + instances * Math.max(stride, 2 * gates) > 2 ** 52) throw misuse('expected tweaks below 2^52')
  if (labels.length % (16 * instances) !== 0) {
    throw misuse(`expected labels of ${instances} instances a slot, found ${labels.length} bytes`)
  }
  for (const layer of layersOf(code)) checkSlots(layer, labels.length / (16 * instances))
}

/** @throws TallyError api/misuse unless code, labels and the rest fit together. */
export function checkGarble(input: GarbleInput): GarbleInput {
  checkLayers(input)
  if (input.delta.length !== 16 || (input.delta[0]! & 1) === 0) throw misuse('expected an odd difference of 16 bytes')
  return input
}

/** @throws TallyError api/misuse unless code, labels and the rest fit together. */
export function checkEvaluate(input: EvaluateInput): EvaluateInput {
  checkLayers(input)
  const expected = 32 * gatesOf(input.code) * input.instances
  if (input.tables.length !== expected) {
    throw misuse(`expected tables of ${expected} bytes, found ${input.tables.length}`)
  }
  return input
}
