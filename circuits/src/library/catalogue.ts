/** Circuits by name, so that terms can say which one a session runs. */
import { TallyError } from '@tallystick/core'
import { add, equal, less, lessSigned, mux, subtract, type Aim } from './arithmetic.ts'
import { aes128 } from './aes.ts'
import { createBuilder, type Builder, type Word } from '../builder.ts'
import type { Circuit } from '../circuit.ts'
import { divideFixed, multiplyFixed, squareRootFixed } from './fixed.ts'
import { divide, divideSigned, multiply } from './product.ts'
import { compress, sha256 } from './sha256.ts'

/** Widths of the inputs, and what becomes of them. */
export const circuitOf = (
  widths: readonly number[],
  build: (b: Builder, ...inputs: readonly Word[]) => readonly Word[],
): Circuit => {
  const b = createBuilder()
  const inputs = widths.map((width) => b.input(width))
  for (const word of build(b, ...inputs)) b.output(word)
  return b.build()
}

type Make = (width: number, aim: Aim, fraction: number) => Circuit

const binary =
  (build: (b: Builder, x: Word, y: Word, aim: Aim) => readonly Word[]): Make =>
  (width, aim) =>
    circuitOf([width, width], (b, x, y) => build(b, x, y, aim))

/** Name, then the width where it takes one: `add-64`. */
const parametric: Readonly<Record<string, Make>> = {
  add: binary((b, x, y, aim) => [add(b, x, y, aim)]),
  subtract: binary((b, x, y, aim) => [subtract(b, x, y, aim)]),
  multiply: binary((b, x, y, aim) => [multiply(b, x, y, x.length, aim)]),
  divide: binary((b, x, y, aim) => {
    const { quotient, remainder } = divide(b, x, y, aim)
    return [quotient, remainder]
  }),
  'divide-signed': binary((b, x, y, aim) => {
    const { quotient, remainder } = divideSigned(b, x, y, aim)
    return [quotient, remainder]
  }),
  less: binary((b, x, y, aim) => [[less(b, x, y, aim)]]),
  'less-signed': binary((b, x, y, aim) => [[lessSigned(b, x, y, aim)]]),
  equal: binary((b, x, y) => [[equal(b, x, y)]]),
  mux: (width) => circuitOf([1, width, width], (b, choice, x, y) => [mux(b, choice[0]!, x, y)]),
  'sha-256': (width, aim) => circuitOf([width], (b, message) => [sha256(b, message, aim)]),
}
const fixed: Readonly<Record<string, Make>> = {
  'fixed-multiply': (width, aim, fraction) =>
    circuitOf([width, width], (b, x, y) => [multiplyFixed(b, { width, fraction }, x, y, aim)]),
  'fixed-divide': (width, aim, fraction) =>
    circuitOf([width, width], (b, x, y) => [divideFixed(b, { width, fraction }, x, y, aim)]),
  'fixed-square-root': (width, aim, fraction) =>
    circuitOf([width], (b, x) => [squareRootFixed(b, { width, fraction }, x, aim)]),
}
const plain: Readonly<Record<string, Make>> = {
  'aes-128': (_, aim) => circuitOf([128, 128], (b, key, block) => [aes128(b, key, block, aim)]),
  'sha-256-compress': (_, aim) => circuitOf([256, 512], (b, state, block) => [compress(b, state, block, aim)]),
}

const largest: Readonly<Record<string, number>> = { 'sha-256': 8 * 1024, mux: 4096 }

/** What {@link libraryCircuit} understands. */
export const libraryNames: readonly string[] = [
  ...Object.keys(plain),
  ...Object.keys(parametric).map((name) => `${name}-<bits>`),
  ...Object.keys(fixed).map((name) => `${name}-<bits>-<fraction bits>`),
]

const unknown = (name: string): TallyError =>
  new TallyError('terms/malformed', 'self', `expected the name of a circuit, found "${name.slice(0, 60)}"`, {
    remedy: `use one of ${libraryNames.join(', ')}, or give a circuit in Bristol Fashion`,
  })

/** @throws TallyError terms/malformed for a name that is not in {@link libraryNames}, or a width that is too large. */
export const libraryCircuit = (name: string, aim: Aim = 'depth'): Circuit => {
  if (Object.hasOwn(plain, name)) return plain[name]!(0, aim, 0)
  const match = /^(sha-256|[a-z]+(?:-[a-z]+)*)-([1-9][0-9]{0,4})(?:-(0|[1-9][0-9]{0,2}))?$/.exec(name)
  const [, family, width, fraction] = match ?? []
  const table = fraction === undefined ? parametric : fixed
  if (family === undefined || !Object.hasOwn(table, family)) throw unknown(name)
  const bits = Number(width)
  if (bits > (largest[family] ?? 256) || (fraction !== undefined && Number(fraction) >= bits)) throw unknown(name)
  if (family === 'sha-256' && bits % 8 !== 0) throw unknown(name)
  return table[family]!(bits, aim, Number(fraction ?? 0))
}
